"""The voices of eSpeak NG: which there are, and who speaks in which split."""

import hashlib
import importlib.metadata
import importlib.util
import re
from collections.abc import Sequence
from pathlib import Path

from suite import DataError

ACCENTS = (
    *("en-us", "en-us-nyc", "en-029", "en-gb-x-rp"),
    *("en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd"),
)
"""The English of eSpeak NG, less `en-shaw` (an alphabet) and `en-gb` (the loader fails on it)."""

_NO_PERSON = re.compile("whisper|robo|robot|klatt|demonic|croak|announcer|fast", re.IGNORECASE)
"""Variants left out: unvoiced or distorted on purpose, or a test of the synthesizer."""

_SHARES = (("test", 0.15), ("validation", 0.15), ("train", 1.0))


def espeak_version() -> str:
    """Return the version of `espeakng-loader`; raises `DataError` where it is missing."""
    try:
        return importlib.metadata.version("espeakng-loader")
    except importlib.metadata.PackageNotFoundError as error:
        raise DataError(
            "synthetic speech needs eSpeak NG, which is not installed: "
            "pip install 'triathlon[synth]' (GPL-3), or choose recorded data"
        ) from error


def voice_variants() -> list[str]:
    """Return the variants that sound like a person, sorted by name."""
    espeak_version()
    package = importlib.util.find_spec("espeakng_loader")
    if package is None or package.origin is None:
        raise DataError("espeakng-loader is installed but has no folder: reinstall it")
    folder = Path(package.origin).parent / "espeak-ng-data" / "voices" / "!v"
    if not folder.is_dir():
        raise DataError(f"no eSpeak NG voices in {folder}: reinstall espeakng-loader")
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    return [name for name in names if not _NO_PERSON.search(name)]


def voice_splits(voices: int | None, seed: int) -> list[tuple[str, str]]:
    """Return (voice, split) for as many voices as asked, or all; 70 % of them train.

    Raises `DataError` where there are not as many, or too few to give each split one.
    """
    available = voice_variants()
    count = len(available) if voices is None else voices
    if not 3 <= count <= len(available):
        raise DataError(
            f"spoken sets need 3 to {len(available)} voices, not {count}: change `voices`"
        )
    return assign_splits(available, seed)[:count]


def assign_splits(names: Sequence[str], seed: int) -> list[tuple[str, str]]:
    """Return (voice, split) in an order such that every beginning has all the splits.

    Versions of one voice (steph, steph2, steph3) stay together; m1, m2, ... and f1, f2, ... are
    different voices by design.
    """
    families: dict[str, list[str]] = {}
    for name in names:
        families.setdefault(family(name), []).append(name)
    order = sorted(families, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).hexdigest())
    assigned: list[tuple[str, str]] = []
    taken = dict.fromkeys((split for split, _ in _SHARES), 0)
    for key in order:
        # The split that is furthest behind its share; train takes what is left.
        split = next(split for split, share in _SHARES if taken[split] <= share * len(assigned))
        assigned += [(name, split) for name in families[key]]
        taken[split] += len(families[key])
    return assigned


def family(voice: str) -> str:
    """Return the name that versions of one voice share."""
    return voice if re.fullmatch("[fm][0-9]", voice) else voice.rstrip("0123456789")
