from suite import Split

from .conftest import learned, named, write_csv, write_parquet

INTENTS = ("Refund_not_showing_up", "card_arrival", "pin_blocked")
TRAIN = [(f"Where is it, number {i}?\n", INTENTS[i % 3]) for i in range(30)]
TEST = [("Is my PIN blocked?", "pin_blocked")]


def test_classes_are_the_categories(open_set, tmp_path):
    write_csv(tmp_path / "train.csv", ("text", "category"), TRAIN)
    write_csv(tmp_path / "test.csv", ("text", "category"), TEST)
    task = open_set("data=banking77", f"data.path={tmp_path}")
    assert task.texts.classes == INTENTS
    assert learned(task) == sorted(TRAIN)
    assert named(task)[Split.TEST] == TEST
    assert task.card().licence == "CC BY 4.0"


def test_the_hubs_parquet_is_the_same_set(open_set, tmp_path):
    for name, rows in (("train", TRAIN), ("test", TEST)):
        write_csv(tmp_path / f"csv/{name}.csv", ("text", "category"), rows)
        write_parquet(tmp_path / f"hub/default/{name}/0000.parquet", rows, classes=INTENTS)
    cards = [open_set("data=banking77", f"data.path={tmp_path / f}").card() for f in ("csv", "hub")]
    assert cards[0] == cards[1]
