from pathlib import Path

import pytest

from suite import ConfigError, DataError, Split

TASK = ("task=speech_transcription", "data=librispeech", "task.sample_rate=16000")
MINI = ("task=speech_transcription", "data=mini_librispeech", "task.sample_rate=16000")
ALL = ("train-clean-100", "train-clean-360", "dev-clean", "dev-other", "test-clean", "test-other")


def speakers(task, split):
    return {Path(name).name.split("-")[0] for name in task.recordings.splits[split].names}


@pytest.mark.parametrize("below", ["", "LibriSpeech"])
def test_subsets_are_the_splits(open_set, librispeech, below):
    root = librispeech(*ALL)
    task = open_set(*TASK, f"data.path={root / below}")
    assert task.card().sizes == {"train": 6, "validation": 6, "test": 6}
    assert speakers(task, Split.TRAIN) == {"100", "101"}
    assert speakers(task, Split.VALIDATION) == {"300", "301"}
    assert speakers(task, Split.TEST) == {"500", "501"}
    assert set(task.recordings.splits[Split.TRAIN].texts) == {"a tale", "of two", "it's i"}
    assert task.card().version == "train-clean-100 + dev-clean + test-clean"
    assert task.card().name == "librispeech"


def test_other_subsets_can_be_chosen(open_set, librispeech):
    root = librispeech(*ALL)
    more = "data.train=[train-clean-100,train-clean-360]"
    task = open_set(*TASK, f"data.path={root}", more, "data.validation=dev-other",
                    "data.test=test-other")  # fmt: skip
    assert task.card().sizes == {"train": 12, "validation": 6, "test": 6}
    assert speakers(task, Split.TRAIN) == {"100", "101", "200", "201"}
    assert speakers(task, Split.VALIDATION) == {"400", "401"}
    assert speakers(task, Split.TEST) == {"600", "601"}
    assert task.card().name == "librispeech test-other"


def test_unknown_subset_is_named_before_any_file_is_looked_for(open_set):
    with pytest.raises(
        ConfigError, match=r"data\.train=\['train-clean-10'\]: must be of train-clean-100, .*"
        r"did you mean 'train-clean-100'\?"
    ):  # fmt: skip
        open_set(*TASK, "data.train=[train-clean-10]")
    with pytest.raises(ConfigError, match=r"data\.test=dev-clean: must be of test-clean, test-ot"):
        open_set(*TASK, "data.test=dev-clean")
    with pytest.raises(ConfigError, match=r"data\.train=\[\]: must be at least one subset"):
        open_set(*TASK, "data.train=[]")


def test_mini_holds_speakers_out_and_tests_on_dev_clean_2(open_set, librispeech):
    root = librispeech("train-clean-5", "dev-clean-2", speakers=5)
    task = open_set(*MINI, f"data.path={root}", "data.validation=0.2")
    assert task.card().sizes == {"train": 12, "validation": 3, "test": 15}
    assert not speakers(task, Split.TRAIN) & speakers(task, Split.VALIDATION)
    assert speakers(task, Split.TEST) == {"200", "201", "202", "203", "204"}
    assert "dev-clean-2 is the test" in task.card().notes


def test_missing_subset_is_named(open_set, librispeech):
    root = librispeech("train-clean-100", "dev-clean")
    with pytest.raises(
        DataError,
        match=r"data=librispeech: .* has no LibriSpeech/test-clean; put it there, "
        r"give data\.path=…, or set data\.download=true",
    ):
        open_set(*TASK, f"data.path={root}").card()


def test_recording_that_a_list_names_but_is_not_there_is_named(open_set, librispeech):
    root = librispeech("train-clean-100", "dev-clean", "test-clean")
    next(root.rglob("100-1000-0001.flac")).unlink()
    with pytest.raises(DataError, match=r"100-1000-0001\.flac: cannot be read"):
        open_set(*TASK, f"data.path={root}").card()


def test_line_without_a_transcript_is_named(open_set, librispeech):
    root = librispeech("train-clean-100", "dev-clean", "test-clean")
    table = next(root.rglob("100-1000.trans.txt"))
    table.write_text(table.read_text() + "100-1000-0003\n")
    with pytest.raises(DataError, match=r"100-1000\.trans\.txt line 4: is not a name and a tr"):
        open_set(*TASK, f"data.path={root}").card()
