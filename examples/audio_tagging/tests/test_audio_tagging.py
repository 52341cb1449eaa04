import csv

import numpy as np
import pytest
import soundfile
import torch
from sklearn.metrics import average_precision_score

from audio_tagging.average_precision import bootstrap, mean_average_precision
from audio_tagging.data import TaggedFolder
from audio_tagging.loss import BinaryCrossEntropy
from audio_tagging.synthesis import SOUNDS, recording
from suite import Batch, DataError, OnError, Split
from suite.testing import COSTLY, check_task

RATE = 8000


def write(folder, split, rows, rate=RATE):
    place = folder / split
    place.mkdir(parents=True, exist_ok=True)
    with (place / "metadata.csv").open("w", newline="") as table:
        csv.writer(table).writerows([("file_name", "tags"), *rows])
    rng = np.random.default_rng(0)
    for name, _ in rows:
        soundfile.write(place / name, rng.uniform(-0.5, 0.5, 400), rate)


@pytest.fixture
def folder(tmp_path):
    write(tmp_path, "train", [("a.wav", "dog;rain"), ("b.flac", ""), ("c.wav", "rain")])
    write(tmp_path, "validation", [("d.wav", "dog")])
    write(tmp_path, "test", [("e.wav", "dog;rain")])
    return tmp_path


def load(folder, on_error=OnError.stop):
    source = TaggedFolder(path=str(folder), on_error=on_error)
    return source.load(folder, sample_rate=RATE)


@pytest.mark.parametrize(("backbone", "skip"), [("mlp", ()), ("resnet", COSTLY)])
def test_keeps_the_contract(backbone, skip):
    small = [f"backbone={backbone}", "backbone.width=8", "data.clips=60", "trainer.batch_size=16"]
    check_task(["task=audio_tagging", *small], skip=skip)


def test_a_recording_has_any_number_of_tags(folder):
    data = load(folder)
    assert data.classes == ("dog", "rain")
    batch = data.splits[Split.TRAIN].take(torch.arange(3))
    assert batch["label_BK"].tolist() == [[1, 1], [0, 0], [0, 1]]
    assert batch["length_B"].tolist() == [400, 400, 400]
    assert batch.units == pytest.approx(3 * 400 / RATE)


def test_a_tag_that_training_does_not_know_is_a_bad_sample(folder):
    write(folder, "test", [("e.wav", "dog"), ("f.wav", "cat")])
    with pytest.raises(DataError, match=r"f\.wav: tag 'cat' does not occur in training; mend it"):
        load(folder)
    (skipped,) = load(folder, OnError.skip).card.skipped
    assert skipped.name.endswith("f.wav")


@pytest.mark.parametrize(
    ("rows", "rate", "message"),
    [
        ([("../train/a.wav", "dog")], RATE, "a.wav"),
        ([("e.wav", "dog")], 16000, r"e\.wav: cannot be used .*16000 .* task.sample_rate=8000"),
        ([], RATE, "lists no recording"),
    ],
)
def test_what_cannot_be_used_is_named(folder, rows, rate, message):
    write(folder, "test", rows, rate)
    with pytest.raises(DataError, match=message):
        load(folder)


def test_loss_is_the_mean_over_tags_summed_over_recordings():
    logits_BK, label_BK = torch.randn(4, 3), torch.randint(0, 2, (4, 3))
    loss = BinaryCrossEntropy()(logits_BK, Batch({"label_BK": label_BK}, 4, 1.0))
    probability_BK = torch.where(label_BK > 0, logits_BK.sigmoid(), 1 - logits_BK.sigmoid())
    assert float(loss.total) == pytest.approx(-float(probability_BK.log().sum()) / 3, rel=1e-5)
    assert loss.count == 4


def test_average_precision_and_its_interval_are_those_of_scikit_learn():
    rng = np.random.default_rng(1)
    score_NK, label_NK = rng.random((40, 3)), rng.integers(0, 2, (40, 3))
    weight_RN = np.stack([np.ones(40, int), rng.multinomial(40, np.full(40, 1 / 40))])
    found_R = mean_average_precision(score_NK, label_NK, weight_RN)
    for found, weight_N in zip(found_R, weight_RN, strict=True):
        rows = np.repeat(np.arange(40), weight_N)
        expected = average_precision_score(label_NK[rows], score_NK[rows])
        assert found == pytest.approx(expected)
    interval = bootstrap(score_NK, label_NK)
    assert found_R[0] in interval
    drawn = [rng.integers(0, 40, 40) for _ in range(300)]
    theirs = [average_precision_score(label_NK[rows], score_NK[rows]) for rows in drawn]
    assert [interval.low, interval.high] == pytest.approx(
        list(np.quantile(theirs, [0.025, 0.975])), abs=0.03
    )


def test_recordings_are_functions_of_their_number():
    (one_S, tags), (again_S, _), (other_S, _) = (recording(number, RATE) for number in (7, 7, 8))
    assert torch.equal(one_S, again_S)
    assert one_S.shape != other_S.shape or not torch.equal(one_S, other_S)
    assert RATE / 2 <= len(one_S) <= RATE
    assert float(one_S.abs().max()) == pytest.approx(0.9)
    shares = torch.tensor(
        [[tag in recording(number, RATE)[1] for tag in SOUNDS] for number in range(300)]
    )
    assert bool(((shares.float().mean(0) - 0.4).abs() < 0.09).all())  # three standard errors
    assert tags == sorted(tags)
