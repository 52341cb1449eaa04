import io
import sys
import wave

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from suite import ConfigError, DataError, Sequence, Split
from suite.compose import compose
from suite.run import build_model, build_task
from suite.training.evaluation import calibrate, evaluate
from suite.training.precision import Precision

CPU = torch.device("cpu")


def _task(folder, cache, *overrides):
    config = compose(
        [
            "task=speech_transcription", "data=audiofolder_transcribed", f"data.path={folder}",
            f"cache={cache}", "trainer.batch_size=4", "backbone=mlp", "backbone.width=8",
            "task.reduce=2", "task.hop_seconds=0.0125", *overrides,
        ]
    )  # fmt: skip
    return config, build_task(config, CPU)


def test_alphabet_is_that_of_training_and_folds_case(recordings, tmp_path):
    recordings(("Yes no", "oh"), column="transcription", split="train")
    recordings(("so!", "NO"), column="transcription", split="validation", count=2)
    folder = recordings(("no",), column="transcription", split="test", count=2)
    _, task = _task(folder, tmp_path)
    assert task.symbols.names == (" ", "e", "h", "n", "o", "s", "y")
    assert set(task.transcripts) == {"yes no", "oh", "so!", "no"}
    for batch in task.eval_batches(Split.VALIDATION):
        for row, length, item in zip(
            batch["symbols_BL"], batch["symbol_length_B"].tolist(), batch["item_B"].tolist(),
            strict=True,
        ):  # fmt: skip
            written = task.symbols.decode(row[:length].tolist())
            assert written == task.transcripts[item].replace("!", "")
    assert _task(folder, tmp_path, "task.lowercase=false")[1].symbols.names[1] == "Y"


def test_error_rates_of_a_model_with_known_answers(recordings, tmp_path):
    texts = ("a b", "ab")
    for split in ("train", "validation", "test"):
        folder = recordings(texts, column="transcription", split=split, count=2)
    _, task = _task(folder, tmp_path)

    class Always(torch.nn.Module):
        def forward(self, batch):
            path = torch.tensor([2, 0, 3])  # "ab", of " ab" as classes 1, 2, 3
            return Sequence(F.one_hot(path, 4).float().expand(batch.examples, 3, 4) * 9)

    assert task.symbols.names == (" ", "a", "b")
    metrics = task.metrics()
    for batch in task.eval_batches(Split.TEST):
        task.evaluate(Always(), batch, metrics)
    values = metrics.compute()
    # Twice a space missing of 2 * 3 + 2 * 2 characters; twice two wrong words of 2 * 2 + 2 * 1.
    assert float(values["character_error_rate"]) == pytest.approx(2 / 10)
    assert float(values["word_error_rate"]) == pytest.approx(4 / 6)


@pytest.mark.parametrize("backbone", ["mlp", "resnet"])
def test_transcript_longer_than_its_frames_stops_or_is_skipped(recordings, tmp_path, backbone):
    long = "yes no yes no yes no yes no yes no yes no yes no"
    recordings(("yes", "no", "y n"), column="transcription", split="train")
    recordings(("yes",), column="transcription", split="validation", count=2)
    folder = recordings(("yes", long), column="transcription", split="test", count=2)
    chosen = [f"backbone={backbone}", "task.reduce=2"]
    config, task = _task(folder, tmp_path, *chosen)
    with pytest.raises(
        DataError,
        match=rf"00\.wav: its transcript needs {len(long)} positions, the model has \d+; "
        r"lower task\.reduce or task\.hop_seconds, or set data\.on_error=skip",
    ):
        build_model(config, task, CPU)
    config, task = _task(folder, tmp_path, *chosen, "data.on_error=skip")
    model = build_model(config, task, CPU)
    assert task.card().sizes == {"train": 36, "validation": 2, "test": 2}
    assert len(task.card().skipped) == 2
    (batch,) = task.eval_batches(Split.TEST)
    assert torch.isfinite(task.loss(model.eval(), batch).total)
    assert set(task.transcripts) == {"yes", "no", "y n"}


def _said(folder_of, *texts):
    for split in ("train", "validation", "test"):
        folder = folder_of(texts, column="transcription", split=split, count=2)
    return folder


class Says(torch.nn.Module):
    """Puts out one path for every recording, with no doubt."""

    def __init__(self, task, path):
        super().__init__()
        self.rows = F.one_hot(torch.tensor(path), task.symbols.classes).float() * 9
        self.calls = 0

    def forward(self, batch):
        self.calls += 1
        return Sequence(self.rows.expand(batch.examples, *self.rows.shape))


def test_pieces_are_learned_on_training_and_make_the_classes(recordings, tmp_path):
    folder = _said(recordings, "one two", "two two one")
    config, task = _task(folder, tmp_path, "task.unit=bpe", "task.vocabulary=40")
    assert {"▁one", "▁two"} <= set(task.symbols.names)
    model = build_model(config, task, CPU)
    assert model.head.output.out_features == len(task.symbols.names) + 1
    (batch,) = task.eval_batches(Split.TEST)
    pieces = [row[:n].tolist() for row, n in zip(
        batch["symbols_BL"], batch["symbol_length_B"].tolist(), strict=True)]  # fmt: skip
    assert sorted(map(task.symbols.decode, pieces)) == ["one two"] * 2 + ["two two one"] * 2
    assert max(map(len, pieces)) == 3
    assert torch.isfinite(task.loss(model.eval(), batch).total)
    # Fewer symbols need fewer positions: "two two one" 4 instead of 11.
    assert not task.card().skipped


def test_recordings_too_short_for_characters_may_do_for_pieces(recordings, tmp_path):
    folder = _said(recordings, "one two one two one two")  # 23 characters
    slow = ["task.hop_seconds=0.02", "task.reduce=2"]  # 0.3 seconds: 7 positions at full speed
    with pytest.raises(DataError, match="needs 23 positions, the model has 7"):
        build_model(*_task(folder, tmp_path, *slow), CPU)
    build_model(*_task(folder, tmp_path, *slow, "task.unit=bpe"), CPU)


BEAM = ["task.decoder=beam", "task.language_model_order=2"]


@pytest.fixture
def flashlight():
    return pytest.importorskip("flashlight.lib.text.decoder")


@pytest.mark.usefixtures("flashlight")
def test_beam_is_reported_once_calibrated_on_validation(recordings, tmp_path):
    folder = _said(recordings, "ab", "ba a")
    _, task = _task(folder, tmp_path, *BEAM)
    assert task.symbols.names == (" ", "a", "b")
    model = Says(task, [2, 0, 3, 1])  # greedy "ab "
    precision = Precision(compose(["task=speech_transcription"]).precision, CPU)
    before, _ = evaluate(task, model, Split.VALIDATION, precision)
    assert set(before) == {"character_error_rate", "word_error_rate", "loss"}
    batches = len(list(task.eval_batches(Split.VALIDATION)))
    model.calls = 0
    chosen = calibrate(task, model, precision)
    assert model.calls == batches
    # "ab" is all that is ever heard: right for half of the recordings, wrong for "ba a" twice.
    assert chosen["beam_word_error_rate"] == pytest.approx(2 / 3)
    assert {"language_model_weight", "word_score"} < set(chosen)
    model.calls = 0
    values, metrics = evaluate(task, model, Split.TEST, precision)
    assert model.calls == len(list(task.eval_batches(Split.TEST)))
    assert values["word_error_rate"] == pytest.approx(2 / 3)
    # Greedy decoding leaves a space at the end, which the beam does not.
    assert values["character_error_rate"] == pytest.approx((1 + 1 + 3 + 3) / 12)
    assert values["beam_character_error_rate"] < values["character_error_rate"]
    assert set(task.intervals(metrics)) == set(values) - {"loss"}


@pytest.mark.usefixtures("flashlight")
def test_given_weights_are_kept(recordings, tmp_path):
    folder = _said(recordings, "ab", "ba a")
    given = ["task.language_model_weight=0.7", "task.word_score=-0.3"]
    _, task = _task(folder, tmp_path, *BEAM, *given)
    chosen = task.calibrate(Says(task, [2, 0, 3, 1]))
    assert (chosen["language_model_weight"], chosen["word_score"]) == (0.7, -0.3)


@pytest.mark.usefixtures("flashlight")
def test_lexicon_file_is_what_there_is_to_hear(recordings, tmp_path):
    folder = _said(recordings, "ab", "ba a")
    words = tmp_path / "words.txt"
    words.write_text("BA  b a\n\nA\n")
    options = [*BEAM, f"task.lexicon={words}", "task.language_model=null"]
    _, task = _task(folder, tmp_path, *options)
    chosen = task.calibrate(Says(task, [2, 0, 3, 1]))
    assert chosen["language_model_weight"] == 0
    metrics = task.metrics()
    for batch in task.eval_batches(Split.TEST):
        task.evaluate(Says(task, [2, 0, 3, 1]), batch, metrics)
    heard = {text.heard for text in metrics["beam_word_error_rate"].texts}
    assert {word for text in heard for word in text.split()} <= {"ba", "a"}


@pytest.mark.usefixtures("flashlight")
@pytest.mark.parametrize(
    ("option", "content", "message"),
    [
        ("task.lexicon", None, r"task\.lexicon=.*x\.txt: cannot be read \(No such file"),
        ("task.lexicon", "\n \n", r"task\.lexicon=.*x\.txt: has no words; give one a line"),
        ("task.language_model", None, r"task\.language_model=.*x\.txt: no such file"),
        ("task.language_model", "nonsense\n", r"task\.language_model=.*: is neither ARPA nor"),
    ],
)
def test_beam_without_its_files_stops_before_training(
    recordings, tmp_path, option, content, message
):
    folder = _said(recordings, "ab", "ba a")
    if content is not None:
        (tmp_path / "x.txt").write_text(content)
    _, task = _task(folder, tmp_path, *BEAM, f"{option}={tmp_path / 'x.txt'}")
    with pytest.raises(ConfigError, match=message):
        next(task.train_batches(seed=0))


def test_beam_without_its_library_says_what_to_install(recordings, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tasks.speech_recognition.beam", None)
    monkeypatch.delitem(sys.modules, "tasks.speech_recognition.beam")
    monkeypatch.setitem(sys.modules, "flashlight.lib.text.decoder", None)
    _, task = _task(_said(recordings, "ab", "ba a"), tmp_path, *BEAM)
    with pytest.raises(ConfigError, match=r"flashlight-text; pip install 'triathlon\[beam\]'"):
        next(task.train_batches(seed=0))
    _, greedily = _task(tmp_path / "audio", tmp_path)
    next(greedily.train_batches(seed=0))


def test_figures_show_recordings_with_their_own_transcripts(recordings, tmp_path):
    folder = _said(recordings, "ab", "ba a")
    _, task = _task(folder, tmp_path)
    metrics = task.metrics()
    for batch in task.eval_batches(Split.TEST):
        task.evaluate(Says(task, [2, 0, 3]), batch, metrics)
    page, text = task.figures(metrics)
    assert (page.name, page.suffix) == ("transcripts", ".html")
    assert (text.name, text.suffix) == ("transcripts", ".txt")
    lines = text.content.decode().splitlines()
    at = next(i for i, line in enumerate(lines) if line.endswith("ba_a00.wav"))
    assert lines[at + 2].split() == ["said:", "ba", "a"]
    assert lines[at + 3].split()[1:] in (["ab", "*"], ["**", "ab"])
    assert page.content.decode().count("ab00.wav") == 1


def test_mistakes_are_the_recordings_with_most_errors(recordings, tmp_path):
    _, task = _task(_said(recordings, "ab", "ba a"), tmp_path)
    metrics = task.metrics()
    for batch in task.eval_batches(Split.TEST):
        task.evaluate(Says(task, [2, 0, 3]), batch, metrics)
    mistakes = list(task.mistakes(metrics))
    test = task.recordings.splits[Split.TEST]
    assert {(one.true, one.predicted, one.confidence) for one in mistakes} == {("ba a", "ab", None)}
    assert len(mistakes) == test.texts.count("ba a")
    for mistake in mistakes:
        with wave.open(io.BytesIO(mistake.content)) as file:
            assert file.getframerate() == task.heard.sample_rate
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        wave_S = test.waves[list(test.names).index(mistake.name)]
        assert np.array_equal(samples, wave_S.numpy())
