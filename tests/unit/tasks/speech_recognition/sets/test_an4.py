import pytest

from suite import DataError, Split

TASK = ("task=speech_transcription", "data=an4", "task.sample_rate=16000", "data.validation=0.3")


def texts(task, split):
    return sorted(task.recordings.splits[split].texts)


@pytest.mark.parametrize(
    ("suffix", "endian"), [(".sph", ""), (".raw", "big"), (".raw", "little")], ids=str
)
def test_published_tree_is_read(open_set, an4, suffix, endian):
    task = open_set(*TASK, f"data.path={an4(suffix, endian)}")
    assert task.card().sizes == {"train": 9, "validation": 3, "test": 2}
    # Marks and the name at the end are no part of what is said.
    assert texts(task, Split.TEST) == ["erase c", "rubout g m"]
    assert texts(task, Split.VALIDATION) == ["b a o z five", "g o", "yes"]
    assert task.recordings.splits[Split.TRAIN].waves.length_N.tolist() == [8000] * 9


def test_all_forms_are_the_same_set(open_set, an4, an4_audiofolder):
    path = an4()
    cards = [
        open_set(*TASK, f"data.path={p}").card() for p in (path, path / "an4", an4_audiofolder)
    ]
    assert cards[0] == cards[1] == cards[2]
    assert cards[0].name == "an4"


@pytest.mark.parametrize("endian", ["big", "little"])
def test_byte_order_of_samples_without_a_header_is_found(
    open_set, an4, an4_audiofolder, tmp_path, endian
):
    raw = open_set(*TASK, f"data.path={an4('.raw', endian)}")
    assert raw.card() == open_set(*TASK, f"data.path={an4_audiofolder}").card()


def test_nobody_is_in_two_splits(open_set, an4):
    task = open_set(*TASK, f"data.path={an4()}")
    speakers = {
        split: {name.split("-")[-2] for name in task.recordings.splits[split].names}
        for split in Split
    }
    assert len(speakers[Split.TRAIN]) == 3
    assert not speakers[Split.TRAIN] & speakers[Split.VALIDATION]
    assert speakers[Split.TEST] == {"fcaw", "mjwl"}


def test_lists_that_do_not_match_are_named(open_set, an4):
    root = an4()
    file = root / "an4" / "etc" / "an4_train.transcription"
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines[:-1]))
    with pytest.raises(DataError, match=r"transcription: has 11 lines, an4_train\.fileids has 12"):
        open_set(*TASK, f"data.path={root}").card()
    file.write_text("\n".join([lines[1], lines[0], *lines[2:]]))
    with pytest.raises(DataError, match=r"line 1: must end in \(an251-fash-b\)"):
        open_set(*TASK, f"data.path={root}").card()


def test_missing_files_are_named(open_set, an4, tmp_path):
    with pytest.raises(DataError, match=r"data=an4: .* has no etc/an4_train\.fileids \(the publ"):
        open_set(*TASK, f"data.path={tmp_path}").card()
    root = an4()
    (root / "an4" / "wav" / "an4_clstk" / "mcel" / "an252-mcel-b.sph").unlink()
    with pytest.raises(DataError, match=r"an252-mcel-b\.sph: cannot be read"):
        open_set(*TASK, f"data.path={root}").card()
    (root / "an4" / "etc" / "an4_test.fileids").unlink()
    with pytest.raises(DataError, match=r"an4_test\.fileids: does not exist"):
        open_set(*TASK, f"data.path={root}").card()


def test_references_hold_for_the_published_test_only(open_set, an4):
    path = f"data.path={an4()}"
    assert open_set(*TASK, path).references == ()
    held = open_set(*TASK, path, "data.test_examples=2").references
    assert {r.metric for r in held} == {"word_error_rate"}
    assert min(r.value for r in held) == 0.074
