"""From encoded images by split to a data set."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from suite import DataError, DataSet, Split
from tasks.image_recognition.data.assembly import Labelled, assemble
from tasks.image_recognition.data.decoding import Decoding, Encoded


def load_encoded(
    parts: Mapping[Split, Sequence[Encoded]],
    classes: Sequence[str],
    decoding: Decoding,
    cache: Path,
    *,
    name: str,
    source: str,
    validation: float,
    test: float,
) -> DataSet:
    """Decode all splits together, so that size and colour agree, and assemble them."""
    images = [image for part in parts.values() for image in part]
    pixels_NCHW, kept, skipped = decoding.all(images, cache)
    if not kept:
        raise DataError(f"{name}: none of {len(images)} images can be read; first: {skipped[0]}")
    split_of_image = [split for split, part in parts.items() for _ in part]
    whole = Labelled(pixels_NCHW, torch.tensor([images[index].label for index in kept]))
    labelled = {
        split: whole.take([row for row, index in enumerate(kept) if split_of_image[index] is split])
        for split in parts
    }
    return assemble(
        labelled,
        classes,
        name=name,
        source=source,
        validation=validation,
        test=test,
        skipped=skipped,
    )
