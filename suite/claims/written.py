"""Writes what claims came to: `claims.md`, the numbers behind it in `claims.json`, and pictures."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from suite.claims.claim import Claim, Effect, Measured
from suite.claims.pictures import intervals
from suite.claims.trial import Tried
from suite.data.cache import atomic_path
from suite.task import Figure
from suite.trust.text import markdown_text

_PICTURES = "claims"
"""Folder of the pictures, beside `claims.md`."""


def write(tried: Sequence[Tried], results: Path, *, how: Sequence[str]) -> list[Path]:
    """Write all into a results folder; return the files. how: what the runs were, in sentences."""
    pictures = {one.claim.name: _pictures(one) for one in tried}
    files = []
    for figures in pictures.values():
        for figure in figures:
            path = results / _PICTURES / f"{figure.name}{figure.suffix}"
            with atomic_path(path) as temporary:
                temporary.write_bytes(figure.content)
            files.append(path)
    plain = {
        "how": list(how),
        "claims": [_plain(one, pictures[one.claim.name]) for one in tried],
    }
    for name, text in (
        ("claims.json", json.dumps(plain, indent=1, allow_nan=False) + "\n"),
        ("claims.md", "\n".join(_markdown(tried, pictures, how)) + "\n"),
    ):
        with atomic_path(results / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
        files.append(results / name)
    return files


def summary(one: Measured) -> str:
    """Return an effect with its interval, in a few characters."""
    if one.effect is None:
        return "none"
    mean, low, high = (number(value) for value in _values(one.effect))
    return f"{mean} ({low} to {high})"


def number(value: float) -> str:
    """Return a number as it is shown."""
    if not math.isfinite(value):
        return "-∞" if value < 0 else "∞"
    if value and not 1e-3 <= abs(value) < 1e5:
        return f"{value:.1e}"
    return f"{value:.3f}"


def _values(effect: Effect) -> tuple[float, float, float]:
    return effect.mean, effect.low, effect.high


def label(one: Measured) -> str:
    """Return the set that something was measured on, and which part of it."""
    return f"{one.set}, {one.part}" if one.part else one.set


def _pictures(one: Tried) -> list[Figure]:
    rows = [
        (label(found), *_values(found.effect)) for found in one.measured if found.effect is not None
    ]
    claim = one.claim
    drawn = [
        intervals(f"{claim.name}-effects", rows, x=claim.quantity, margin=claim.margin)
    ] * bool(rows)
    return drawn + [figure for found in one.measured for figure in found.figures]


def _plain(one: Tried, figures: Sequence[Figure]) -> dict[str, Any]:
    claim = one.claim
    return {
        "name": claim.name,
        "claim": claim.text,
        "experiment": claim.experiment,
        "quantity": claim.quantity,
        "margin": claim.margin,
        "rule": claim.rule,
        "verdict": one.verdict.value,
        "what_would_change_it": claim.change,
        "runs": one.runs,
        "broken": dict(one.broken),
        "figures": [f"{_PICTURES}/{figure.name}{figure.suffix}" for figure in figures],
        "measured": [_plain_effect(claim, found) for found in one.measured],
    }


def _plain_effect(claim: Claim, found: Measured) -> dict[str, Any]:
    effect = found.effect
    told: dict[str, Any] = {"set": found.set, "part": found.part, "note": found.note}
    told["holds"] = found.holds(claim.margin)
    if effect is not None:
        told["mean"] = _finite(effect.mean)
        told["interval"] = [_finite(effect.low), _finite(effect.high)]
        told["by_seed"] = [_finite(value) for value in effect.per_seed]
        told["over"] = effect.basis
    return {**told, "numbers": dict(found.numbers)}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _markdown(
    tried: Sequence[Tried], pictures: dict[str, list[Figure]], how: Sequence[str]
) -> list[str]:
    lines = [
        "# What is said of deep learning, and what came of it",
        "",
        *how,
        "",
        "| claim | verdict | where it holds | effect, 95% interval |",
        "|---|---|---|---|",
    ]
    for one in tried:
        held = sum(found.holds(one.claim.margin) for found in one.measured)
        effects = "<br>".join(f"{_text(label(found))}: {summary(found)}" for found in one.measured)
        link = f"[{_text(one.claim.text)}](#{one.claim.name})"
        lines.append(
            f"| {link} | **{one.verdict.value}** | {held} of {len(one.measured)} | {effects} |"
        )
    for one in tried:
        lines += _chapter(one, pictures[one.claim.name])
    return lines


def _chapter(one: Tried, figures: Sequence[Figure]) -> list[str]:
    claim = one.claim
    lines = [
        "",
        f'<a id="{claim.name}"></a>',
        "",
        f"## {_text(claim.text)}: {one.verdict.value}",
        "",
        f"- **Experiment** ({one.runs} runs): {_text(claim.experiment)}",
        f"- **Effect**: {_text(claim.quantity)}.",
        f"- **Rule**: {_text(claim.rule)}.",
        f"- **What would change it**: {_text(claim.change)}.",
        *(f"- **Not judged** on {_text(name)}: {_text(why)}" for name, why in one.broken.items()),
        "",
        "| set | effect | 95% interval | by seed | holds | note |",
        "|---|---|---|---|---|---|",
    ]
    for found in one.measured:
        effect = found.effect
        cells = ["—"] * 3
        if effect is not None:
            mean, low, high = map(number, _values(effect))
            seeds = ", ".join(map(number, effect.per_seed)) or f"over {effect.basis}"
            cells = [mean, f"{low} to {high}", seeds]
        word = "yes" if found.holds(claim.margin) else "no"
        row = [_text(label(found)), *cells, word, _text(found.note)]
        lines.append(f"| {' | '.join(row)} |")
    lines.append("")
    lines += [f"![{f.name}]({_PICTURES}/{f.name}{f.suffix})" for f in figures if f.suffix == ".png"]
    return lines


def _text(text: str) -> str:
    return markdown_text(text)
