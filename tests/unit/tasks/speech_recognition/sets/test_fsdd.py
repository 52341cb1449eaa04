from pathlib import Path

import pytest

from suite import ConfigError, DataError, Split

TASK = ("task=speech_recognition", "data=fsdd", "trainer.batch_size=4")


def names(task, split):
    return {Path(name).stem for name in task.recordings.splits[split].names}


def test_first_five_recordings_of_each_are_the_test(open_set, fsdd):
    task = open_set(*TASK, f"data.path={fsdd}")
    assert task.card().sizes == {"train": 81, "validation": 9, "test": 45}
    assert {int(name[-1]) for name in names(task, Split.TEST)} == {0, 1, 2, 3, 4}
    assert not names(task, Split.TRAIN) & names(task, Split.VALIDATION)
    for name, text in zip(
        task.recordings.splits[Split.TRAIN].names,
        task.recordings.splits[Split.TRAIN].texts,
        strict=True,
    ):
        assert Path(name).name.startswith(f"{text}_")
    card = task.card()
    assert (card.name, card.licence) == ("fsdd", "CC BY-SA 4.0")
    assert card.version == "as found"  # 135 recordings are not the published 3,000


def test_validation_has_each_digit_of_each_speaker(open_set, fsdd):
    task = open_set(*TASK, f"data.path={fsdd}")
    held = {name.rsplit("_", 1)[0] for name in names(task, Split.VALIDATION)}
    assert held == {f"{d}_{s}" for d in "012" for s in ("george", "jackson", "theo")}


def test_audiofolder_is_the_same_set(open_set, fsdd, fsdd_audiofolder):
    published = open_set(*TASK, f"data.path={fsdd}")
    found = open_set(*TASK, f"data.path={fsdd_audiofolder}")
    assert found.card() == published.card()
    for split in Split:
        assert names(found, split) == names(published, split)


def test_validation_folder_of_an_audiofolder_is_training_as_none_is_published(
    open_set, fsdd_audiofolder
):
    root = fsdd_audiofolder
    whole = open_set(*TASK, f"data.path={root}").card()
    lines = (root / "train" / "metadata.csv").read_text().splitlines()
    (root / "validation").mkdir()
    for name, rows in (("validation", lines[1:10]), ("train", lines[10:])):
        (root / name / "metadata.csv").write_text("\n".join([lines[0], *rows]) + "\n")
    for row in lines[1:10]:
        file = row.partition(",")[0]
        (root / "train" / file).rename(root / "validation" / file)
    assert open_set(*TASK, f"data.path={root}").card() == whole
    (root / "test").rename(root / "tests")
    with pytest.raises(DataError, match=r"test/metadata\.csv: does not exist"):
        open_set(*TASK, f"data.path={root}").card()


@pytest.mark.parametrize("form", ["fsdd", "fsdd_audiofolder"])
def test_left_out_speaker_is_the_whole_test(open_set, request, form):
    root = request.getfixturevalue(form)
    task = open_set(*TASK, f"data.path={root}", "data.leave_out=theo")
    assert {name.split("_")[1] for name in names(task, Split.TEST)} == {"theo"}
    assert len(names(task, Split.TEST)) == 45
    rest = names(task, Split.TRAIN) | names(task, Split.VALIDATION)
    assert {name.split("_")[1] for name in rest} == {"george", "jackson"}
    assert len(rest) == 90
    assert "theo" in task.card().notes
    assert task.card().name == "fsdd without theo"


def test_references_hold_for_the_official_split_only(open_set, fsdd):
    path = f"data.path={fsdd}"
    assert [r.value for r in open_set(*TASK, path, "data.test_examples=45").references] == [0.98]
    # The left-out test has 45 recordings as well.
    left_out = open_set(*TASK, path, "data.test_examples=45", "data.leave_out=theo")
    assert left_out.references == ()


def test_unknown_speaker_is_named_with_the_known_ones(open_set, fsdd):
    task = open_set(*TASK, f"data.path={fsdd}", "data.leave_out=teo")
    with pytest.raises(
        ConfigError,
        match=r"data\.leave_out=teo: no such speaker in .*; did you mean 'theo'\?; "
        r"there are george, jackson, theo$",
    ):
        task.card()


def test_missing_files_are_named_at_once(open_set, tmp_path):
    with pytest.raises(
        DataError, match=r"data=fsdd: .* has no recordings/ nor train/metadata\.csv; put it there"
    ):
        open_set(*TASK, f"data.path={tmp_path}").card()


def test_default_folder_is_in_the_cache(open_set, cache):
    with pytest.raises(DataError) as caught:
        open_set(*TASK).card()
    assert f"{cache / 'data' / 'fsdd'} has no " in str(caught.value)


def test_foreign_file_is_named(open_set, fsdd):
    (fsdd / "recordings" / "noise.wav").write_bytes(b"")
    with pytest.raises(DataError, match=r"noise\.wav: is not named <digit>_<speaker>_<index>\.wav"):
        open_set(*TASK, f"data.path={fsdd}").card()


def test_download_is_refused_with_the_reason(open_set):
    with pytest.raises(
        ConfigError, match=r"data\.download=True: must be false, as no checksum is published; get "
    ):
        open_set(*TASK, "data.download=true")
