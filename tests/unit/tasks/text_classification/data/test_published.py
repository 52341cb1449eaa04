"""What holds for every standard set: where it is looked for, and what is said when it is not."""

import hashlib
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from suite import ConfigError, DataError, Split

from .conftest import learned, snapshot, write_csv, write_numbers

SETS = ("ag_news", "banking77", "imdb", "sst2", "sst2_glue", "trec")
ROWS = [(f"text {i}", i % 2) for i in range(20)]
PARQUET = "refs/convert/parquet"


@pytest.fixture
def no_network(monkeypatch):
    """Fail the test where anything would be asked of the network."""
    import huggingface_hub

    def asked(*args, **options):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", asked)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", asked)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub that has TREC as parquet; counts what is fetched from it."""
    import huggingface_hub

    root = tmp_path / "far"
    for split in ("train", "test"):
        write_numbers(root / "default" / split / "0000.parquet", ROWS)
    write_numbers(root / "other" / "train" / "0000.parquet", ROWS)
    files = [file.relative_to(root).as_posix() for file in sorted(root.rglob("*.parquet"))]
    sums = {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in files}
    fetched: list[str] = []

    def info(self, id_, *, revision, timeout, files_metadata):
        assert (id_, revision, files_metadata) == ("CogComp/trec", PARQUET, True)
        assert timeout <= 10
        return SimpleNamespace(
            siblings=[
                SimpleNamespace(rfilename=name, lfs=SimpleNamespace(sha256=sums[name]))
                for name in files
            ]
        )

    def download(id_, name, *, repo_type, revision, local_dir):
        assert (id_, repo_type, revision) == ("CogComp/trec", "dataset", PARQUET)
        to = Path(local_dir, name)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, to)
        fetched.append(name)
        return str(to)

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", info)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    return SimpleNamespace(sums=sums, fetched=fetched)


@pytest.mark.parametrize("name", SETS)
def test_missing_set_is_named_at_once_with_both_ways_out(
    open_set, cache, hub_cache, no_network, name
):
    with pytest.raises(DataError) as told:
        open_set(f"data={name}").card()
    message = str(told.value)
    assert message.startswith(f"data={name}: {cache / 'data' / name} has no ")
    assert message.endswith("; put it there, give data.path=…, or set data.download=true")
    assert "train" in message
    assert "\n" not in message


def test_files_in_the_default_folder_are_found(open_set, cache, hub_cache, no_network):
    for split in ("train", "test"):
        write_csv(cache / "data" / "trec" / f"{split}.csv", ("text", "label"), ROWS)
    assert open_set("data=trec").card().sizes == {"train": 18, "validation": 2, "test": 20}


@pytest.mark.parametrize("revision", [PARQUET, None])
def test_hubs_cache_serves_unless_a_folder_is_named(
    open_set, tmp_path, hub_cache, no_network, revision
):
    # Without a revision, as `load_dataset` leaves it, in the form of the main branch.
    folder = snapshot(hub_cache, "CogComp/trec", revision)
    for split in ("train", "test"):
        name = f"default/{split}/0000" if revision else f"data/{split}-00000-of-00001"
        write_numbers(folder / f"{name}.parquet", ROWS)
    assert len(learned(open_set("data=trec"))) == 20
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"data=trec: .*empty has no train_5500\.label"):
        open_set("data=trec", f"data.path={tmp_path / 'empty'}").card()


def test_shards_are_read_in_order(open_set, tmp_path):
    for shard in (0, 1):
        rows = ROWS[10 * shard : 10 * shard + 10]
        write_numbers(tmp_path / f"default/train/000{shard}.parquet", rows)
    write_numbers(tmp_path / "default/test/0000.parquet", ROWS[:4])
    task = open_set("data=trec", f"data.path={tmp_path}")
    assert learned(task) == sorted((text, str(label)) for text, label in ROWS)


def test_download_fetches_once_what_the_set_needs(open_set, tmp_path, hub):
    overrides = ("data=trec", f"data.path={tmp_path / 'near'}", "data.download=true")
    first = open_set(*overrides).card()
    assert hub.fetched == ["default/test/0000.parquet", "default/train/0000.parquet"]
    assert open_set(*overrides).card() == first
    assert len(hub.fetched) == 2
    # A download that was cut off is completed.
    (tmp_path / "near" / "default" / "test" / "0000.parquet").unlink()
    assert open_set(*overrides).card() == first


def test_download_that_is_not_what_the_hub_has_is_refused(open_set, tmp_path, hub):
    hub.sums["default/train/0000.parquet"] = "0" * 64
    near = tmp_path / "near"
    with pytest.raises(DataError, match=r"0000\.parquet has sha256 \w+, but 0+ is published"):
        open_set("data=trec", f"data.path={near}", "data.download=true").card()
    assert not (near / "default" / "train" / "0000.parquet").exists()


def test_download_of_a_config_that_is_not_there(open_set, hub):
    with pytest.raises(DataError, match=r"has no parquet files at refs/convert/parquet of config"):
        open_set("data=trec", "data.download=true", "data.config=nowhere").card()


def test_download_without_a_network_says_so(open_set, cache, hub_cache):
    # HF_HUB_OFFLINE is set in all tests, so this is the library's own refusal.
    with pytest.raises(
        DataError,
        match=r"data\.id=CogComp/trec: cannot be downloaded from the Hugging Face hub at "
        r"refs/convert/parquet \(.*offline mode.*\); try again with a network, or get its files "
        r"another way and put them into .*/data/trec$",
    ):
        open_set("data=trec", "data.download=true").card()


def test_references_hold_for_the_published_test_only(open_set, tmp_path):
    write_csv(tmp_path / "train.csv", ("text", "label"), ROWS)
    for count, known in ((500, 3), (499, 0)):
        rows = [(f"question {i}", i % 2) for i in range(count)]
        write_csv(tmp_path / "test.csv", ("text", "label"), rows)
        task = open_set("data=trec", f"data.path={tmp_path}")
        assert task.card().sizes["test"] == count
        assert len(task.references) == known
        assert task.target.threshold == 0.9


def test_references_of_one_sst2_are_not_those_of_the_other(open_set, tmp_path):
    for name, count in (("train", 20), ("validation", 872), ("test", 1821)):
        rows = [(f"{name} {i}", i % 2) for i in range(count)]
        write_csv(tmp_path / f"{name}.csv", ("text", "label"), rows)
    path = f"data.path={tmp_path}"
    names = {
        name: {r.name for r in open_set(f"data={name}", path).references}
        for name in ("sst2", "sst2_glue")
    }
    assert "CNN-rand" in names["sst2"]
    assert "BERT large" in names["sst2_glue"]
    assert not names["sst2"] & names["sst2_glue"]


def test_column_of_another_name_is_told(open_set, tmp_path):
    for split in ("train", "test"):
        write_csv(tmp_path / f"{split}.csv", ("question", "label"), ROWS)
    with pytest.raises(
        DataError,
        match=r"train\.csv: has no column 'text'; its columns are question, label: rename one, or "
        r"read the files with data=text_files",
    ):
        open_set("data=trec", f"data.path={tmp_path}").card()


def test_validation_in_the_folder_is_taken(open_set, tmp_path):
    for split, rows in (("train", ROWS), ("dev", ROWS[:4]), ("test", ROWS[:6])):
        write_csv(tmp_path / f"{split}.csv", ("text", "label"), rows)
    task = open_set("data=banking77", f"data.path={tmp_path}")
    assert task.card().sizes == {"train": 20, "validation": 4, "test": 6}
    assert list(task.texts.splits[Split.VALIDATION].texts) == [text for text, _ in ROWS[:4]]


def test_share_out_of_range_is_refused(open_set):
    with pytest.raises(ConfigError, match=r"data\.validation=1.*between 0 and 1"):
        open_set("data=trec", "data.validation=1")
