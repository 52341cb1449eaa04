from pathlib import Path

import pytest

from suite import DataError, Split

TASK = ("task=speech_recognition", "data=speech_commands")


@pytest.mark.parametrize("place", ["the words", "beside the archive", "as torchaudio has it"])
def test_lists_say_what_is_not_for_training(open_set, speech_commands, place):
    root = speech_commands
    if place == "as torchaudio has it":
        (root.parent / "SpeechCommands").mkdir()
        root = root.rename(root.parent / "SpeechCommands" / root.name)
    path = {
        "the words": root,
        "beside the archive": root.parent,
        "as torchaudio has it": root.parent.parent,
    }[place]
    task = open_set(*TASK, f"data.path={path}")
    assert task.card().sizes == {"train": 48, "validation": 12, "test": 12}
    assert len(task.data.classes) == 12
    assert "_background_noise_" not in task.data.classes
    for split, speaker in ((Split.VALIDATION, "00000000"), (Split.TEST, "00000001")):
        recordings = task.recordings.splits[split]
        for name, text in zip(recordings.names, recordings.texts, strict=True):
            assert Path(name).parts[-2:] == (text, f"{speaker}_nohash_0.wav")
    # Sizes that are not those of version 0.02 are told, not passed over.
    assert task.card().version == "as found"
    assert "train has 48, published are 84843" in task.card().notes


def test_recording_that_a_list_names_but_is_not_there_is_named(open_set, speech_commands):
    (speech_commands / "yes" / "00000001_nohash_0.wav").unlink()
    with pytest.raises(
        DataError, match=r"yes/00000001_nohash_0\.wav: does not exist, but testing_list\.txt names"
    ):
        open_set(*TASK, f"data.path={speech_commands}").card()


def test_missing_list_is_named(open_set, speech_commands):
    (speech_commands / "validation_list.txt").unlink()
    with pytest.raises(DataError, match=r"data=speech_commands: .* has no validation_list\.txt; "):
        open_set(*TASK, f"data.path={speech_commands}").card()
    (speech_commands / "testing_list.txt").unlink()
    with pytest.raises(DataError, match=r"has no testing_list\.txt \(nor speech_commands_v0\.02/"):
        open_set(*TASK, f"data.path={speech_commands}").card()


def test_references_are_of_the_test_of_that_size(open_set, speech_commands):
    path = f"data.path={speech_commands}"
    assert open_set(*TASK, path).references == ()
    assert [r.value for r in open_set(*TASK, path, "data.test_examples=12").references] == [0.9811]
