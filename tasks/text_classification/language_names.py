"""The embedded data set `language_names`: which of 40 languages a phrase is in.

The phrases are the display names of languages, territories, scripts, currencies and units in the
Unicode CLDR, as Babel ships them: `Deutsche Mark`, `Уругвай`, `kilomètres par heure`. The split is
by CLDR key, such as `territory/UY`: a concept seen in testing is unseen in every language, so that
a model has to know how words of a language look, not which words there are.

A phrase that two of the languages share, whatever its case, is in none of the splits. One that a
language has under several keys (`Arabisch`, a language and a script) is kept under the first only.
"""

import functools
import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version

from babel import Locale
from babel.core import get_cldr_version

LANGUAGES = tuple(
    "af ar be bg ca cs da de en es et fa fi fr gl hi hr hu id it "
    "ja ko lt lv mr ms nb nl pl pt ro ru sk sl sv tr uk ur vi zh".split()
)
"""Class k is the k-th of these: rich in names, six scripts beside the Latin one, and many close
relatives (af de nl, da nb sv, ca es gl pt, cs sk, hr sl, be bg ru uk, id ms, hi mr, ar fa ur)."""

LICENCE = "Unicode-3.0"
SOURCE = "Unicode CLDR through the Python package babel"


@dataclass(frozen=True)
class Phrase:
    """One example.

    text: in Unicode normalisation form C. language: one of `LANGUAGES`.
    key: CLDR's name for the concept, `kind/code`. split: `train`, `validation` or `test`.
    """

    text: str
    language: str
    key: str
    split: str


@functools.cache
def language_names() -> tuple[Phrase, ...]:
    """Return all phrases of all splits, ordered by language, then key."""
    owners: defaultdict[str, set[str]] = defaultdict(set)
    first: dict[tuple[str, str], Phrase] = {}
    for language in LANGUAGES:
        for key, text in sorted(_display_names(language)):
            folded = text.casefold()
            owners[folded].add(language)
            first.setdefault((language, folded), Phrase(text, language, key, split_of(key)))
    return tuple(p for (_, folded), p in first.items() if len(owners[folded]) == 1)


def split_of(key: str) -> str:
    """Return the split of a CLDR key: 80% train, 10% validation, 10% test, by its hash."""
    tenth = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) % 10
    return {0: "test", 1: "validation"}.get(tenth, "train")


def fingerprint(phrases: Iterable[Phrase]) -> str:
    """Return the sha256, in hex, over the content of `phrases` in their order."""
    digest = hashlib.sha256()
    for p in phrases:
        digest.update(f"{p.split}\t{p.key}\t{p.language}\t{p.text}\n".encode())
    return digest.hexdigest()


def data_version() -> str:
    """Return the versions of the CLDR and of Babel: other versions may have other phrases."""
    return f"CLDR {get_cldr_version()}, Babel {version('babel')}"


def _display_names(language: str) -> Iterator[tuple[str, str]]:
    """Yield (key, name) for every concept that has a name with a letter in it."""
    locale = Locale.parse(language)
    kinds = {
        "language": locale.languages,
        "territory": locale.territories,
        "script": locale.scripts,
        "currency": locale.currencies,
        "unit": {code: forms.get("long") for code, forms in locale.unit_display_names.items()},
    }
    for kind, names in kinds.items():
        for code, name in names.items():
            text = unicodedata.normalize("NFC", name or "").strip()
            if any(c.isalpha() for c in text):
                yield f"{kind}/{code}", text
