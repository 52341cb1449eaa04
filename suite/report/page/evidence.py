"""What runs left in their folders to look at: confusion counts, and examples that they got wrong.

Legend: S samples, F frames, K frequencies.
"""

import base64
import difflib
import io
import json
import wave
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from suite.mistakes import read_mistakes
from suite.report.page.shown import Contents, Shown
from suite.trust.text import printable

MOST_BACKBONES = 4
"""Backbones of a board, the best, whose mistakes and confusions are shown."""
MOST_MISTAKES = 6
"""Mistakes shown of a configuration."""
MOST_CONFUSIONS = 20
"""Pairs of classes in the list of what is most often confused."""
LARGEST = 2_400_000
"""Bytes that all mistakes together may take in the page."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A mistake as the page shows it. kind: "image", "text" or "sound".

    source: the file as a data URI; spectrogram: of a sound. text: of a text. true, predicted:
    marked up where words of transcripts differ.
    """

    kind: str
    true: Markup
    predicted: Markup
    told: str
    confidence: str
    name: str
    source: str = ""
    spectrogram: str = ""
    text: str = ""

    @property
    def size(self) -> int:
        """Bytes it takes in the page, about."""
        return len(self.source) + len(self.spectrogram) + len(self.text) + 400


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """Mistakes of one configuration, of one of its runs."""

    board: int
    shown: Shown
    run: str
    mistakes: Sequence[Seen]


def confusions(
    rows: Iterable[Shown], runs: Path
) -> tuple[Sequence[str], dict[int, dict[tuple[int, int], int]]]:
    """Return classes, and counts by (true, predicted) summed over runs, by the row's number."""
    classes: Sequence[str] = ()
    found: dict[int, dict[tuple[int, int], int]] = {}
    for shown in rows:
        total: Counter[tuple[int, int]] = Counter()
        for run in shown.runs:
            kept = _counts(runs / run.run_id / "figures" / "confusion_matrix.json")
            if kept is None or (classes and kept[0] != classes):
                continue
            classes = kept[0]
            total.update(kept[1])
        if total:
            found[shown.number] = dict(total)
    return classes, found


def _counts(path: Path) -> tuple[list[str], dict[tuple[int, int], int]] | None:
    try:
        values = json.loads(path.read_text())
        classes = [str(name) for name in values["classes"]]
        cells = {(int(t), int(p)): int(n) for t, p, n in values["true_predicted_count"]}
    except (OSError, ValueError, TypeError, KeyError):
        return None
    within = all(0 <= i < len(classes) for pair in cells for i in pair)
    return (classes, cells) if within else None


def most_confused(
    counts: Mapping[tuple[int, int], int], classes: Sequence[str]
) -> list[tuple[str, str, int, float]]:
    """Return true class, predicted class, examples and their share of the true class."""
    total: Counter[int] = Counter()
    for (true, _), count in counts.items():
        total[true] += count
    wrong = [(count, pair) for pair, count in counts.items() if pair[0] != pair[1]]
    wrong.sort(key=lambda one: (-one[0], one[1]))
    return [
        (classes[true], classes[predicted], count, count / total[true])
        for count, (true, predicted) in wrong[:MOST_CONFUSIONS]
    ]


def galleries(contents: Contents, runs: Path) -> list[Gallery]:
    """Return mistakes of the best backbones of each board, of the first run that kept any.

    The room that there is (`LARGEST`) is divided evenly among boards, and within one in turns.
    """
    found: list[Gallery] = []
    boards = range(len(contents.boards))
    kept = {
        at: [
            (shown, run.run_id, told)
            for shown in contents.best_by_backbone(at)[:MOST_BACKBONES]
            for run, told in _first_kept(shown, runs)
        ]
        for at in boards
    }
    share = LARGEST // max(1, sum(bool(each) for each in kept.values()))
    for at in boards:
        left = share
        seen: list[list[Seen]] = [[] for _ in kept[at]]
        for turn in range(MOST_MISTAKES):
            for mine, (_, _, told) in zip(seen, kept[at], strict=True):
                one = _seen(*told[turn]) if turn < len(told) else None
                if one is not None and one.size <= left:
                    mine.append(one)
                    left -= one.size
        found += [
            Gallery(board=at, shown=shown, run=run, mistakes=mine)
            for mine, (shown, run, _) in zip(seen, kept[at], strict=True)
            if mine
        ]
    return found


def _first_kept(
    shown: Shown, runs: Path
) -> Iterator[tuple[Any, list[tuple[dict[str, Any], bytes]]]]:
    for run in shown.runs:
        told = read_mistakes(runs / run.run_id)
        if told:
            yield run, told
            return


def _seen(told: Mapping[str, Any], content: bytes) -> Seen | None:
    """Return a mistake as the page shows it; None where the file is not what it says."""
    suffix = Path(str(told["file"])).suffix
    true, predicted = (printable(str(told.get(key, ""))) for key in ("true", "predicted"))
    sure = told.get("confidence")
    known: dict[str, Any] = {
        "told": f"true: {true}; predicted: {predicted}",
        "confidence": f"{sure:.0%} sure" if isinstance(sure, int | float) else "",
        "name": str(told.get("name") or ""),
    }
    if suffix == ".wav":
        spectrogram = _spectrogram(content)
        if spectrogram is None:
            return None
        marked = _marked(true, predicted)
        picture = _uri("image/png", spectrogram)
        source = _uri("audio/wav", content)
        return Seen(kind="sound", true=marked[0], predicted=marked[1], source=source,
                    spectrogram=picture, **known)  # fmt: skip
    plain = {"true": escape(true), "predicted": escape(predicted)}
    if suffix == ".txt":
        return Seen(kind="text", text=content.decode("utf-8", "replace"), **plain, **known)
    if suffix == ".png" and content.startswith(b"\x89PNG"):
        return Seen(kind="image", source=_uri("image/png", content), **plain, **known)
    return None


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _marked(true: str, predicted: str) -> tuple[Markup, Markup]:
    """Return both transcripts with the words marked that are not in the other."""
    said, heard = true.split(), predicted.split()
    if len(said) < 2 and len(heard) < 2:
        return escape(true), escape(predicted)
    blocks = difflib.SequenceMatcher(None, said, heard, autojunk=False).get_matching_blocks()

    def mark(words: Sequence[str], same: set[int]) -> Markup:
        return Markup(" ").join(
            escape(word) if i in same else Markup("<mark>{}</mark>").format(word)
            for i, word in enumerate(words)
        )

    in_said = {block.a + i for block in blocks for i in range(block.size)}
    in_heard = {block.b + i for block in blocks for i in range(block.size)}
    return mark(said, in_said), mark(heard, in_heard)


_WINDOW, _HOP = 0.025, 0.01
"""Seconds."""
_HEIGHT, _WIDEST = 72, 320
"""Pixels of a spectrogram."""
_RANGE = 8.0
"""How much of the power is drawn below the highest, in units of ln: about 70 dB."""


def _spectrogram(content: bytes) -> bytes | None:
    """Draw the power of a WAV by time and frequency, low ones below; None if it is no WAV."""
    try:
        with wave.open(io.BytesIO(content)) as file:
            rate = file.getframerate()
            wave_S = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    except (wave.Error, EOFError, ValueError):
        return None
    size, hop = int(_WINDOW * rate), max(1, int(_HOP * rate))
    if len(wave_S) < size:
        return None
    frames_FS = np.lib.stride_tricks.sliding_window_view(wave_S / 2**15, size)[::hop]
    power_FK = np.abs(np.fft.rfft(frames_FS * np.hanning(size), n=4 * _HEIGHT * 2)) ** 2
    usable_FK = power_FK[:, : 4 * _HEIGHT].reshape(len(power_FK), _HEIGHT, 4).mean(2)
    if len(usable_FK) > _WIDEST:
        usable_FK = usable_FK[np.linspace(0, len(usable_FK) - 1, _WIDEST).astype(int)]
    log_FK = np.log(usable_FK + 1e-10)
    top = log_FK.max()
    value_FK = np.clip((log_FK - top) / (2 * _RANGE) + 1, 0, 1)
    return _png(np.flipud(value_FK.T))


def _png(value_HW: NDArray[np.float64]) -> bytes:
    from matplotlib import colormaps
    from PIL import Image

    image = Image.fromarray((255 * value_HW).astype(np.uint8))
    image = image.convert("P")
    palette = (255 * colormaps["magma"](np.arange(256))[:, :3]).astype(np.uint8)
    image.putpalette(palette.tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
