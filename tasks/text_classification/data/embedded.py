"""The embedded set of phrases in 40 languages, gathered once and cached."""

import json
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from suite import DataCard, OnError, Split, atomic_path
from tasks.text_classification.data.texts import Texts, TextSet

_FORMAT = 2
"""Raise when other phrases are taken, so that what was cached before is not used."""


class LanguageNames:
    """Phrases of the Unicode CLDR; see `LanguageNamesConfig`."""

    def __init__(self, on_error: OnError = OnError.stop) -> None:
        """Nothing to choose: the set has no samples that cannot be read."""

    def load(self, cache: Path) -> TextSet:
        """Return the phrases by split."""
        file = cache / f"language_names-{_FORMAT}-babel-{version('babel')}.json"
        # A file that is not whole, or not ours, is made anew.
        with suppress(OSError, ValueError, KeyError, TypeError):
            return _text_set(json.loads(file.read_text(encoding="utf-8")))
        gathered = _gathered()
        # A full disk costs the next run a second.
        with suppress(OSError), atomic_path(file) as path:
            path.write_text(json.dumps(gathered), encoding="utf-8")
        return _text_set(gathered)


def _gathered() -> dict[str, Any]:
    from tasks.text_classification import language_names as names

    phrases = names.language_names()
    number = {language: k for k, language in enumerate(names.LANGUAGES)}
    splits: dict[str, dict[str, list[Any]]] = {}
    for split in Split:
        mine = [phrase for phrase in phrases if phrase.split == split.value]
        splits[split.value] = {
            "texts": [p.text for p in mine],
            "labels": [number[p.language] for p in mine],
            "groups": [p.key for p in mine],
        }
    card = {
        "name": "language_names",
        "version": names.data_version(),
        "licence": names.LICENCE,
        "source": names.SOURCE,
        "fingerprint": names.fingerprint(phrases),
        "sizes": {split: len(part["texts"]) for split, part in splits.items()},
        "notes": "split by CLDR key",
    }
    return {"classes": names.LANGUAGES, "card": card, "splits": splits}


def _text_set(gathered: dict[str, Any]) -> TextSet:
    splits = {split: Texts(**gathered["splits"][split.value]) for split in Split}
    return TextSet(splits, tuple(gathered["classes"]), DataCard(**gathered["card"]))
