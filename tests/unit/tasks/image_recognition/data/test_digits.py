from pathlib import Path

import torch

from suite import Split
from tasks.image_recognition.data import Digits


def test_splits_share_no_image_and_are_stratified(recwarn):
    data = Digits().load(Path())
    rows = {
        split: {bytes(image) for image in part.columns["pixels_BCHW"].flatten(1).numpy()}
        for split, part in data.splits.items()
    }
    assert data.card.sizes == {"train": 1259, "validation": 179, "test": 359}
    assert sum(map(len, rows.values())) == len(set.union(*rows.values())) == 1797
    for split, share in ((Split.TEST, 0.2), (Split.VALIDATION, 0.1)):
        counts = data.splits[split].columns["label_B"].bincount(minlength=10)
        assert int((counts - 179.7 * share).abs().max()) <= 1


def test_pixels_are_bytes_over_the_whole_range():
    data = Digits().load(Path())
    pixels = data.splits[Split.TRAIN].columns["pixels_BCHW"]
    assert pixels.dtype == torch.uint8
    assert pixels.shape[1:] == (1, 8, 8)
    assert (int(pixels.min()), int(pixels.max())) == (0, 255)
    assert data.classes == tuple("0123456789")


def test_content_is_the_one_that_results_were_recorded_on():
    card = Digits().load(Path()).card
    assert card.fingerprint.startswith("1c4a5121673d48dc")
    assert not card.synthetic


def test_references_hold_for_the_suites_own_split(tmp_path):
    from suite import Known, Reference

    reference = Reference(name="SVM", metric="accuracy", value=0.99, source="here")
    card = Digits().load(tmp_path).card
    assert Known(references=(reference,), test_examples=359).of(card) == (reference,)
