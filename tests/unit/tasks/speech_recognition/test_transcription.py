import pytest
import torch
import torch.nn.functional as F

from suite import DataError, Sequence, Split, length_mask
from suite.compose import compose
from suite.run import build_model, build_task
from tasks.speech_recognition.transcription import ctc_positions, greedy

CPU = torch.device("cpu")


def test_greedy_merges_repeats_and_drops_blanks():
    paths = [[0, 1, 1, 0, 1, 2, 2, 0], [2, 2, 0, 0, 0, 1, 1, 1], [0, 0, 0, 0, 0, 0, 0, 0]]
    logits = F.one_hot(torch.tensor(paths), 3).float()
    mask = length_mask(torch.tensor([8, 4, 8]), 8)
    # aab; bb cut before its a; nothing
    assert greedy(Sequence(logits, mask), ("a", "b")) == ["aab", "b", ""]
    assert greedy(Sequence(logits), ("a", "b")) == ["aab", "ba", ""]


@pytest.mark.parametrize(
    ("text", "positions"), [("", 0), ("a", 1), ("ab", 2), ("aa", 3), ("aaa", 5), ("three", 6)]
)
def test_positions_are_a_symbol_each_and_a_blank_between_equals(text, positions):
    assert ctc_positions(text) == positions
    if not text:
        return
    symbols = torch.tensor([[ord(c) - ord("a") + 1 for c in text]])
    # CTC's own word: impossible with one less.
    for count, possible in ((positions, True), (positions - 1, False)):
        if count:
            loss = F.ctc_loss(
                torch.zeros(count, 1, 27).log_softmax(-1), symbols, torch.tensor([count]),
                torch.tensor([len(text)]), reduction="sum",
            )  # fmt: skip
            assert bool(torch.isfinite(loss)) is possible


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
    assert task.alphabet == (" ", "e", "h", "n", "o", "s", "y")
    assert set(task.transcripts) == {"yes no", "oh", "so!", "no"}
    for batch in task.eval_batches(Split.VALIDATION):
        for row, length, item in zip(
            batch["symbols_BL"], batch["symbol_length_B"].tolist(), batch["item_B"].tolist(),
            strict=True,
        ):  # fmt: skip
            written = "".join(task.alphabet[k - 1] for k in row[:length].tolist())
            assert written == task.transcripts[item].replace("!", "")
    assert _task(folder, tmp_path, "task.lowercase=false")[1].alphabet[1] == "Y"


def test_error_rates_of_a_model_with_known_answers(recordings, tmp_path):
    texts = ("a b", "ab")
    for split in ("train", "validation", "test"):
        folder = recordings(texts, column="transcription", split=split, count=2)
    _, task = _task(folder, tmp_path)

    class Always(torch.nn.Module):
        def forward(self, batch):
            path = torch.tensor([2, 0, 3])  # "ab", of " ab" as classes 1, 2, 3
            return Sequence(F.one_hot(path, 4).float().expand(batch.examples, 3, 4) * 9)

    assert task.alphabet == (" ", "a", "b")
    metrics = task.metrics()
    for batch in task.eval_batches(Split.TEST):
        task.evaluate(Always(), batch, metrics)
    values = metrics.compute()
    # Twice a space missing of 2 * 3 + 2 * 2 characters; twice two wrong words of 2 * 2 + 2 * 1.
    assert float(values["character_error_rate"]) == pytest.approx(2 / 10)
    assert float(values["word_error_rate"]) == pytest.approx(4 / 6)


@pytest.mark.parametrize("backbone", ["mlp", "resnet"])
def test_transcript_longer_than_its_frames_stops_or_is_skipped(recordings, tmp_path, backbone):
    long = "a much longer transcript than three tenths of a second can hold"
    recordings(("yes", "no"), column="transcription", split="train")
    recordings(("yes",), column="transcription", split="validation", count=2)
    folder = recordings(("yes", long), column="transcription", split="test", count=2)
    chosen = [f"backbone={backbone}", "task.reduce=2"]
    config, task = _task(folder, tmp_path, *chosen)
    with pytest.raises(
        DataError,
        match=rf"00\.wav: its transcript needs {ctc_positions(long)} positions, the model has \d+; "
        r"lower task\.reduce or task\.hop_seconds, or set data\.on_error=skip",
    ):
        build_model(config, task, CPU)
    config, task = _task(folder, tmp_path, *chosen, "data.on_error=skip")
    model = build_model(config, task, CPU)
    assert task.card().sizes == {"train": 24, "validation": 2, "test": 2}
    assert len(task.card().skipped) == 2
    (batch,) = task.eval_batches(Split.TEST)
    assert torch.isfinite(task.loss(model.eval(), batch).total)
    assert set(task.transcripts) == {"yes", "no"}
