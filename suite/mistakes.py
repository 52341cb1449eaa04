"""Mistakes kept with a run: a few test examples that it got wrong, as files, and a list of them.

They lie in `mistakes/` of the run's folder, `mistakes.json` names each file and what it shows.

Legend: C channels, H height, W width, S samples.
"""

import io
import json
import wave
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.data.cache import atomic_path
from suite.errors import DataError, PluginError
from suite.trust.paths import inside

if TYPE_CHECKING:
    from torch import Tensor

    from suite.task import Mistake

MOST = 12
"""Mistakes kept of a run."""
LARGEST = 256 * 1024
"""Bytes of the largest of them."""
SUFFIXES = (".png", ".txt", ".wav")
FOLDER, LIST = "mistakes", "mistakes.json"

_LONGEST_SIDE = 128
"""Pixels; larger pictures are scaled down."""
_LONGEST_SECONDS = 5.0
_LONGEST_TEXT = 2000
"""Characters."""


@dataclass(frozen=True)
class Shown:
    """An example as one sees, reads or hears it: a file's content, and what its suffix would be.

    name: of the example in its set, where it has one.
    """

    content: bytes = field(repr=False)
    suffix: str
    name: str = ""


def shown_pixels(pixels_CHW: "Tensor", name: str = "") -> Shown:
    """Return a picture as PNG; one with a side of more than 128 pixels is scaled down.

    pixels_CHW: uint8, of one channel or three. name: of the example in its set, where it has one.
    """
    from PIL import Image

    array_HWC = pixels_CHW.cpu().permute(1, 2, 0).numpy()
    image = Image.fromarray(array_HWC[:, :, 0] if array_HWC.shape[2] == 1 else array_HWC)
    image.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return Shown(buffer.getvalue(), ".png", name)


def shown_wave(wave_S: "Tensor", sample_rate: int, name: str = "") -> Shown:
    """Return a recording as WAV, its first five seconds where it is longer.

    wave_S: int16. sample_rate: samples per second. name: of the example in its set.
    """
    samples = wave_S[: int(_LONGEST_SECONDS * sample_rate)].cpu().numpy().astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(samples.tobytes())
    return Shown(buffer.getvalue(), ".wav", name)


def shown_text(text: str, name: str = "") -> Shown:
    """Return text, of more than 2,000 characters the beginning. name: of the example in its set."""
    cut = text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
    return Shown(cut.encode(), ".txt", name)


def keep_mistakes(mistakes: "Iterable[Mistake]", run: Path) -> Path | None:
    """Write at most `MOST` into the run's folder; return theirs, or None where there are none.

    Raises `PluginError` for a suffix that nothing can show. Those of more than `LARGEST` bytes are
    left out.
    """
    folder = run / FOLDER
    listed: list[dict[str, Any]] = []
    for mistake in islice(mistakes, MOST):
        if mistake.suffix not in SUFFIXES:
            known = ", ".join(SUFFIXES)
            raise PluginError(f"mistakes: suffix={mistake.suffix}: must be one of {known}")
        if len(mistake.content) > LARGEST:
            continue
        name = f"{len(listed) + 1:02}{mistake.suffix}"
        with atomic_path(folder / name) as path:
            path.write_bytes(mistake.content)
        told = {key: getattr(mistake, key) for key in ("true", "predicted", "confidence", "name")}
        listed.append({"file": name, **told})
    if not listed:
        return None
    with atomic_path(folder / LIST) as path:
        path.write_text(json.dumps(listed, indent=1, ensure_ascii=False) + "\n")
    return folder


def read_mistakes(run: Path) -> list[tuple[dict[str, Any], bytes]]:
    """Return what is told of each mistake of a run, and its file's content; none is no mistake.

    What cannot be read is left out: it is there to look at, and nothing rests on it.
    """
    folder = run / FOLDER
    try:
        listed = json.loads((folder / LIST).read_text())
        # A list from elsewhere must not reach out of the folder, nor a link that lies in it.
        names = [Path(str(one["file"])).name for one in listed]
        files = [inside(folder, name, LIST) for name in names[:MOST]]
        return [
            (one, file.read_bytes())
            for one, file in zip(listed, files, strict=False)
            if file.suffix in SUFFIXES and file.stat().st_size <= LARGEST
        ]
    except (OSError, ValueError, TypeError, KeyError, DataError):
        return []
