"""What `triathlon claims` came to, read from `claims.json` beside the page.

Whoever made the results folder wrote it, so nothing in it is more than text, numbers in text, and
pictures of a bounded size.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite.errors import DataError
from suite.report.page.insights import Looked, look_at
from suite.trust.paths import inside

MOST_CLAIMS, MOST_EFFECTS, MOST_PICTURES = 40, 40, 6
LARGEST = 3_000_000
"""Bytes of all pictures together in the page."""
_LARGEST_FILE = 1 << 24
"""Bytes of a file of claims that is read."""
_VERDICTS = ("supported", "mixed", "not supported")


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A claim that was put to the test, in words. effects: what, effect, interval, holds, note."""

    claim: str
    verdict: str
    held: str
    experiment: str
    quantity: str
    rule: str
    change: str
    effects: Sequence[Sequence[str]]
    pictures: Sequence[Looked]


def claims(results: Path) -> list[Judged]:
    """Return the claims of a results folder; none where none were put to the test."""
    found: list[Judged] = []
    left = LARGEST
    for told in _read(results):
        try:
            one = _judged(told, results, left)
        except (TypeError, KeyError, ValueError):
            continue
        left -= sum(picture.size for picture in one.pictures)
        found.append(one)
    return found


def _read(results: Path) -> list[Any]:
    try:
        path = inside(results, "claims.json", str(results))
        if path.stat().st_size > _LARGEST_FILE:
            return []
        told = json.loads(path.read_text(encoding="utf-8"))["claims"]
        return told[:MOST_CLAIMS] if isinstance(told, list) else []
    except (OSError, ValueError, TypeError, KeyError, RecursionError, DataError):
        return []


def _judged(told: Mapping[str, Any], results: Path, left: int) -> Judged:
    verdict = str(told["verdict"])
    if verdict not in _VERDICTS:
        raise ValueError(verdict)
    measured = list(told["measured"])[:MOST_EFFECTS]
    pictures = []
    for name in [str(each) for each in list(told["figures"])[:MOST_PICTURES]]:
        picture = look_at(results, name)
        if picture is not None and picture.kind == "image" and picture.size <= left:
            pictures.append(picture)
            left -= picture.size
    return Judged(
        claim=str(told["claim"]),
        verdict=verdict,
        held=f"{sum(bool(one['holds']) for one in measured)} of {len(measured)}",
        experiment=str(told["experiment"]),
        quantity=str(told["quantity"]),
        rule=str(told["rule"]),
        change=str(told["what_would_change_it"]),
        effects=[_effect(one) for one in measured],
        pictures=pictures,
    )


def _effect(told: Mapping[str, Any]) -> list[str]:
    place = ", ".join(filter(None, (str(told["set"]), str(told["part"]))))
    mean, interval = told.get("mean"), told.get("interval")
    effect = "none" if mean is None else f"{float(mean):.3f}"
    ends = "—"
    if isinstance(interval, list) and len(interval) == 2 and None not in interval:
        ends = f"{float(interval[0]):.3f} to {float(interval[1]):.3f}"
    return [place, effect, ends, "yes" if told["holds"] else "no", str(told["note"])]
