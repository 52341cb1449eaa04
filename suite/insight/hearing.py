"""What filters learned on waves are tuned to: whether frequencies are spaced as people hear them.

Filters are sorted by the frequency that they pass best, as Sainath et al. 2015 ("Learning the
speech front-end with raw waveform CLDNNs") show them. Where they divide a scale evenly, the filter
at half of the bank lies at half of the scale, and so on: how far off they are, as a share of the
scale, can be compared between scales.

Legend: N filters, S samples, F frequency bins, R resamples.
"""

from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import ArrayLike, NDArray

from suite.figures import png
from suite.insight.effects import Effect, bootstrapped
from suite.insight.finding import Finding, Table
from suite.insight.first_layer import Waveforms, first_layer
from suite.insight.means import mean_difference
from suite.insight.subject import Subject
from suite.task import Batch, Figure, Split

_BINS = 4096
_RESAMPLES = 2_000
_COARSE = 16
"""Frequencies that filters have to be able to tell apart at least: their number of samples / 2."""
_FEWEST = 8
_NEAR = 0.1
"""Share of a scale that filters may be off, and still be told to divide it."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Tuning:
    """Of each filter, hertz: the frequency it passes best, and the width of what it passes.

    width: of the rectangle of the same area and squared area as its power (its equivalent noise
    bandwidth, Harris 1978, section IV, with the mean in the place of the peak).
    """

    centre_N: Floats
    width_N: Floats


@dataclass(frozen=True)
class Spacing:
    """How far filters are from dividing a scale evenly, as shares of it (root mean squares)."""

    mel: float
    linear: float
    gain: Effect
    """Deviation from linear less that from mel: above 0 where mel fits better."""

    @property
    def verdict(self) -> str:
        """Say which scale they divide: mel, linear, either (it is open which), or neither."""
        if min(self.mel, self.linear) > _NEAR:
            return "neither"
        return {"yes": "mel", "no": "linear", "unclear": "either"}[self.gain.verdict]


def mel(hertz: ArrayLike) -> Floats:
    """Return frequencies on the mel scale (Stevens et al. 1937, as in O'Shaughnessy 1987)."""
    return np.asarray(2595 * np.log10(1 + np.asarray(hertz, dtype=np.float64) / 700))


def tuning(weight_NS: ArrayLike, sample_rate: int) -> Tuning:
    """Return what filters are tuned to; one of zeros is left out."""
    given_NS: Floats = np.asarray(weight_NS, dtype=np.float64)
    some_NS = given_NS[np.abs(given_NS).sum(1) > 0]
    bins = max(_BINS, some_NS.shape[1])
    power_NF = np.square(np.abs(np.fft.rfft(some_NS, bins, axis=1)))
    step = sample_rate / bins
    width_N = np.square(power_NF.sum(1)) / np.square(power_NF).sum(1) * step
    return Tuning(power_NF.argmax(1) * step, width_N)


def spacing(centre_N: ArrayLike, highest: float, *, seed: int = 0) -> Spacing:
    """Return how evenly filters divide each scale from 0 to `highest` hertz.

    Resamples are of filters.     Raises `ValueError` where there is no filter.
    """
    centre_N = np.asarray(centre_N, dtype=np.float64)
    if not len(centre_N):
        raise ValueError("there is no filter")
    drawn_RN = np.random.default_rng(seed).choice(centre_N, (_RESAMPLES, len(centre_N)))
    all_RN = np.concatenate([centre_N[None], drawn_RN])
    mel_R = _deviation(mel(all_RN) / mel(highest))
    linear_R = _deviation(all_RN / highest)
    gain = bootstrapped(linear_R - mel_R, n=len(centre_N), over="filters")
    return Spacing(float(mel_R[0]), float(linear_R[0]), gain)


def _deviation(share_RN: Floats) -> Floats:
    """Return the root mean square of how far filters are from where even spacing has them."""
    count = share_RN.shape[1]
    place_N = (np.arange(count) + 0.5) / count
    return np.asarray(np.sqrt(np.square(np.sort(share_RN, axis=1) - place_N).mean(1)))


def hearing(subject: Subject, controls: int = 3) -> Finding | None:
    """Tell how learned filters divide the spectrum; None where the first layer reads no wave.

    controls: untrained networks.
    """
    batch = subject.task.take(Split.VALIDATION, [0])
    found = first_layer(subject.model, batch)
    if not isinstance(found, Waveforms) or len(found.weight_OS) < _FEWEST:
        return None
    banks = {"trained": _tuned(found)}
    for seed in range(1, controls + 1):
        banks[f"untrained, seed {seed}"] = _tuned(_of(subject, seed, batch))
    spacings = {name: spacing(bank.centre_N, found.sample_rate / 2) for name, bank in banks.items()}
    related = {name: rank_correlation(bank.centre_N, bank.width_N) for name, bank in banks.items()}
    controlled = [bank for name, bank in banks.items() if name != "trained"]
    effects = {"linear - mel": spacings["trained"].gain}
    if controlled:
        widths = [np.log2(bank.width_N) for bank in controlled]
        trained = np.log2(banks["trained"].width_N)
        effects["log2 width, trained - untrained"] = mean_difference(
            trained, widths, over="filters"
        )
    rows = [
        [name, str(len(bank.centre_N)), f"{spacings[name].mel:.3f}", f"{spacings[name].linear:.3f}",
         str(spacings[name].gain), f"{np.median(bank.width_N):,.0f}", str(related[name])]
        for name, bank in banks.items()
    ]  # fmt: skip
    return Finding(
        name="hearing",
        title="First layer: what it hears",
        lines=_lines(found, banks, spacings, effects, related["trained"]),
        tables=[Table(title="How filters divide the spectrum", headings=_HEADINGS, rows=rows)],
        figures=[
            Figure("centre_frequencies", _centres_png(banks, found.sample_rate)),
            Figure("learned_filters", _bank_png(found)),
        ],
        numbers={
            "what": found.what,
            "sample rate": found.sample_rate,
            "centres in hertz": {n: b.centre_N.round(2).tolist() for n, b in banks.items()},
            "widths in hertz": {n: b.width_N.round(2).tolist() for n, b in banks.items()},
            "deviation from mel": {n: s.mel for n, s in spacings.items()},
            "deviation from linear": {n: s.linear for n, s in spacings.items()},
            "width over centre": {n: e.plain() for n, e in related.items()},
            "verdict": {n: s.verdict for n, s in spacings.items()},
            "effects": {name: effect.plain() for name, effect in effects.items()},
        },
        metrics={
            "linear_less_mel": spacings["trained"].gain.value,
            "width_over_centre": related["trained"].value,
        },
    )


def rank_correlation(one_N: ArrayLike, other_N: ArrayLike, *, seed: int = 0) -> Effect:
    """Return Spearman's correlation; resamples are of filters."""
    from scipy.stats import rankdata

    one_N, other_N = np.asarray(one_N, dtype=np.float64), np.asarray(other_N, dtype=np.float64)
    count = len(one_N)
    drawn_RN = np.random.default_rng(seed).integers(0, count, (_RESAMPLES, count))
    places_RN = np.concatenate([np.arange(count)[None], drawn_RN])
    sides = []
    for values_N in (one_N, other_N):
        rank_RN = rankdata(values_N[places_RN], axis=1)
        centred_RN = rank_RN - rank_RN.mean(1, keepdims=True)
        with np.errstate(invalid="ignore"):  # a resample of equals has no correlation
            sides.append(centred_RN / np.linalg.norm(centred_RN, axis=1, keepdims=True))
    return bootstrapped((sides[0] * sides[1]).sum(1), n=count, over="filters")


def _tuned(found: Waveforms) -> Tuning:
    return tuning(found.weight_OS.cpu().numpy(), found.sample_rate)


def _of(subject: Subject, seed: int, batch: Batch) -> Waveforms:
    found = first_layer(subject.fresh(seed), batch)
    assert isinstance(found, Waveforms)
    return found


_HEADINGS = ("filters", "n", "off mel", "off linear", "linear - mel", "median width, Hz",
             "width ~ centre")  # fmt: skip


def _lines(
    found: Waveforms,
    banks: dict[str, Tuning],
    spacings: dict[str, Spacing],
    effects: dict[str, Effect],
    related: Effect,
) -> list[str]:
    own = spacings["trained"]
    said = {
        "mel": "divide the spectrum as the mel scale does",
        "linear": "divide the spectrum evenly in hertz",
        "either": "divide the spectrum, but whether in mel or in hertz is open",
        "neither": f"divide the spectrum neither in mel nor in hertz within {_NEAR:.0%}",
    }[own.verdict]
    nearer = {"yes": "nearer to mel", "no": "nearer to hertz", "unclear": "no nearer to either"}
    samples, middle = found.weight_OS.shape[1], np.median(banks["trained"].centre_N)
    lines = [
        f"{found.what}, {len(banks['trained'].centre_N)} of {samples} samples: they {said}.",
        f"They are {own.mel:.0%} of the scale off in mel and {own.linear:.0%} in hertz, difference "
        f"{own.gain}: {nearer[own.gain.verdict]}. Half of them lie below {middle:,.0f} Hz.",
    ]
    controls = [s.gain.value for name, s in spacings.items() if name != "trained"]
    if controls:
        lines.append(
            f"Of untrained banks the same difference is {np.mean(controls):+.3f} on average "
            f"({len(controls)}); their filters are noise, whose best frequencies lie anywhere."
        )
        narrower = effects["log2 width, trained - untrained"]
        lines.append(f"Filters' widths changed by {narrower} octaves in training.")
    lines.append(f"Rank correlation of width with frequency {related}; on the mel scale it is 1.")
    if samples // 2 < _COARSE:
        lines.append(
            f"{samples} samples tell but {samples // 2} frequencies apart: too few to judge."
        )
    lines.append("Intervals are over the filters of one network, not over training runs.")
    return lines


def _centres_png(banks: dict[str, Tuning], sample_rate: int) -> bytes:
    canvas, axes = plt.subplots(figsize=(5, 3.4))
    highest = sample_rate / 2
    share = np.linspace(0, 1, 200)
    axes.plot(
        share, 700 * (10 ** (share * mel(highest) / 2595) - 1), "k--", lw=1, label="mel scale"
    )
    axes.plot(share, share * highest, "k:", lw=1, label="linear")
    for name, bank in banks.items():
        centre_N = np.sort(bank.centre_N)
        place_N = (np.arange(len(centre_N)) + 0.5) / len(centre_N)
        first = name in ("trained", "untrained, seed 1")
        axes.plot(place_N, centre_N, ".-" if name == "trained" else "-", ms=4, lw=1,
                  color="C0" if name == "trained" else "0.7",
                  label=name.partition(",")[0] if first else None)  # fmt: skip
    axes.set_xlabel("filter, sorted by frequency (share of the bank)")
    axes.set_ylabel("frequency passed best, Hz")
    axes.legend(fontsize=7)
    return png(canvas)


def _bank_png(found: Waveforms) -> bytes:
    """Draw some filters over time, and what all pass, sorted by frequency."""
    weight_NS = found.weight_OS.cpu().double().numpy()
    power_NF = np.square(np.abs(np.fft.rfft(weight_NS, max(512, weight_NS.shape[1]), axis=1)))
    order = power_NF.argmax(1).argsort(kind="stable")
    level_NF = 10 * np.log10(power_NF / power_NF.max(1, keepdims=True).clip(1e-30) + 1e-4)
    canvas, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4))
    some = order[np.linspace(0, len(order) - 1, 8).round().astype(int)]
    time_S = np.arange(weight_NS.shape[1]) / found.sample_rate * 1000
    for row, place in enumerate(some):
        largest = np.abs(weight_NS[place]).max() or 1.0
        left.plot(time_S, weight_NS[place] / largest / 2 + row, lw=0.8, color="C0")
    left.set_yticks([], [])
    left.set_xlabel("time, ms")
    left.set_ylabel("some filters, low to high")
    shown = right.imshow(
        level_NF[order].T, origin="lower", aspect="auto", vmin=-30, vmax=0, cmap="magma",
        extent=(0, len(order), 0, found.sample_rate / 2000),
    )  # fmt: skip
    right.set_xlabel("filter, sorted by frequency")
    right.set_ylabel("frequency, kHz")
    canvas.colorbar(shown, ax=right, label="dB below its best")
    return png(canvas)
