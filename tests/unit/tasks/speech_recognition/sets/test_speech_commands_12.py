from collections import Counter
from pathlib import Path

import pytest

from suite import DataError, Split

TASK = ("task=speech_recognition", "data=speech_commands_12", "trainer.batch_size=4")
WORDS = {"yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go"}


def counts(task, split):
    return Counter(task.recordings.splits[split].texts)


def sounds(task, split):
    return {wave.numpy().tobytes() for wave in task.recordings.splits[split].waves}


def test_ten_words_silence_and_unknown(open_set, speech_commands):
    task = open_set(*TASK, f"data.path={speech_commands}", "data.unknown=0.15")
    assert set(task.data.classes) == {*WORDS, "_silence_", "_unknown_"}
    train = counts(task, Split.TRAIN)
    assert {train[word] for word in WORDS} == {4}
    # A tenth, and 15%, of the forty recordings of the ten words.
    assert (train["_silence_"], train["_unknown_"]) == (4, 6)
    # Rounded up, as TensorFlow does: of ten recordings, one and two.
    assert counts(task, Split.VALIDATION)["_silence_"] == 1
    assert counts(task, Split.VALIDATION)["_unknown_"] == 2
    unknown = [
        name
        for name, text in zip(
            task.recordings.splits[Split.TRAIN].names,
            task.recordings.splits[Split.TRAIN].texts,
            strict=True,
        )
        if text == "_unknown_"
    ]
    assert {Path(name).parent.name for name in unknown} <= {"bed", "tree"}


def test_silence_is_a_second_that_no_other_split_has(open_set, speech_commands):
    task = open_set(*TASK, f"data.path={speech_commands}", "data.silence=0.5")
    starts: dict[str, list[tuple[float, Split]]] = {}
    for split in Split:
        recordings = task.recordings.splits[split]
        for wave, name, text in zip(
            recordings.waves, recordings.names, recordings.texts, strict=True
        ):
            if text == "_silence_":
                assert len(wave) == 8000
                file, _, at = name.removesuffix(" s").rpartition(" at ")
                starts.setdefault(file, []).append((float(at), split))
    assert len(starts) == 2
    for cuts in starts.values():
        for at, split in cuts:
            for other, where in cuts:
                assert split is where or abs(at - other) >= 1
    assert len(sounds(task, Split.TRAIN)) == len(task.recordings.splits[Split.TRAIN])


def test_published_test_is_taken_where_it_is(open_set, speech_commands, published_test):
    task = open_set(*TASK, f"data.path={speech_commands.parent}")
    assert counts(task, Split.TEST) == Counter([*WORDS, "_silence_", "_unknown_"])
    assert {
        "/speech_commands_test_set_v0.02/" in n for n in task.recordings.splits[Split.TEST].names
    }
    assert task.card().version == "0.02, published test"
    made = open_set(*TASK, f"data.path={speech_commands}", "data.test=made")
    assert counts(made, Split.TEST) == Counter([*WORDS, "_silence_", "_unknown_"])
    assert made.card().version == "0.02, made test"
    assert (task.card().name, made.card().name) == (
        "speech_commands_12",
        "speech_commands_12, made test",
    )
    assert made.card().fingerprint != task.card().fingerprint


def test_references_hold_for_the_published_test_only_though_sizes_are_the_same(
    open_set, speech_commands, published_test
):
    path = (f"data.path={speech_commands}", "data.test_examples=12")
    published, made = open_set(*TASK, *path), open_set(*TASK, *path, "data.test=made")
    assert published.card().sizes["test"] == made.card().sizes["test"] == 12
    assert [r.value for r in published.references] == [0.987, 0.882]
    assert made.references == ()


def test_missing_archive_is_named_where_it_is_asked_for(open_set, speech_commands):
    task = open_set(*TASK, f"data.path={speech_commands}", "data.test=published")
    with pytest.raises(DataError, match=r"has no speech_commands_test_set_v0\.02/; put it there"):
        task.card()


def test_choice_of_unknown_words_and_silence_is_always_the_same(open_set, speech_commands):
    one, other = (open_set(*TASK, f"data.path={speech_commands}", f"seed={s}") for s in (0, 1))
    assert one.card() == other.card()
    for split in Split:
        assert one.recordings.splits[split].names == other.recordings.splits[split].names


def test_missing_noise_or_word_is_named(open_set, speech_commands):
    for file in (speech_commands / "_background_noise_").iterdir():
        file.unlink()
    with pytest.raises(DataError, match=r"_background_noise_: has no recording to take silence"):
        open_set(*TASK, f"data.path={speech_commands}").card()
    for name in ("validation_list.txt", "testing_list.txt"):
        lines = (speech_commands / name).read_text().splitlines()
        kept = [line for line in lines if not line.startswith("go/")]
        (speech_commands / name).write_text("\n".join(kept))
    for file in (speech_commands / "go").iterdir():
        file.unlink()
    with pytest.raises(DataError, match=r"has no train recording of 'go'"):
        open_set(*TASK, f"data.path={speech_commands}").card()


def test_both_sets_share_the_default_folder(open_set, cache):
    for name in ("speech_commands", "speech_commands_12"):
        with pytest.raises(DataError) as caught:
            open_set("task=speech_recognition", f"data={name}").card()
        assert f"data={name}: {cache / 'data' / 'speech_commands'} has no " in str(caught.value)
