import json

import pytest

from suite.insight.together import groups, name_of, over_seeds, write
from suite.record import RunRecord


@pytest.fixture
def runs(tmp_path):
    """Three runs of one configuration and one of another, each with what was found."""
    for number, (group, seed, slope) in enumerate(
        [("a", 2, 0.3), ("a", 0, 0.1), ("a", 1, 0.2), ("b", 0, 9.0)]
    ):
        folder = tmp_path / "runs" / f"run{number}"
        (folder / "insight").mkdir(parents=True)
        RunRecord(
            run_id=folder.name, name="a", group_hash=group, seed=seed, backbone="mlp",
            primary="accuracy", metrics={"test/accuracy": 0.9},
            data_card={"name": "digits, 40 examples"},
        ).write(folder)  # fmt: skip
        section = {
            "name": "probes", "title": "What <layers> hold", "lines": ["So much."], "tables": [],
            "files": ["a.png", "b.wav", "../c.png"], "metrics": {"label_slope": slope},
        }  # fmt: skip
        (folder / "insight" / "a.png").write_bytes(b"png")
        (folder / "insight" / "insight.json").write_text(json.dumps({"sections": [section]}))
    return sorted((tmp_path / "runs").iterdir())


def test_repeats_are_those_that_differ_in_their_seed_alone(runs):
    (records,) = groups(runs)
    assert [record.seed for record in records] == [0, 1, 2]
    assert name_of(records) == "digits_40_examples-mlp"


def test_interval_is_over_seeds(runs):
    (records,) = groups(runs)
    (table,) = over_seeds(records, runs[0].parent)
    # t(2) = 4.302653, s / sqrt(3) = 0.0577.
    assert table.rows == [["label slope", "0.200", "-0.048 to 0.448", "0.100, 0.200, 0.300"]]


def test_a_number_that_one_run_lacks_is_left_out(runs):
    told = runs[0] / "insight" / "insight.json"
    told.write_text(told.read_text().replace("label_slope", "other"))
    (records,) = groups(runs)
    assert over_seeds(records, runs[0].parent) == []


def test_what_is_written_takes_pictures_of_the_first_seed_and_nothing_from_elsewhere(
    runs, tmp_path
):
    (records,) = groups(runs)
    (path,) = write(records, runs[0].parent, tmp_path / "to")
    assert [p.name for p in (tmp_path / "to" / "digits_40_examples-mlp").iterdir()] == ["a.png"]
    text = path.read_text()
    assert "3 runs that differ in their seed alone; test accuracy 0.9000" in text
    assert "-0.048 to 0.448" in text
    assert "<layers>" not in text
