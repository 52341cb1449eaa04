"""What can be told of texts without understanding them.

Legend: B texts.
"""

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

SCRIPTS = (
    "LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "DEVANAGARI", "BENGALI", "GURMUKHI",
    "GUJARATI", "TAMIL", "TELUGU", "KANNADA", "MALAYALAM", "SINHALA", "THAI", "LAO", "TIBETAN",
    "MYANMAR", "GEORGIAN", "HANGUL", "ETHIOPIC", "KHMER", "MONGOLIAN", "HIRAGANA", "KATAKANA",
    "CJK", "ARMENIAN",
)  # fmt: skip
"""As names of characters in Unicode begin; a text in none of them has the number that follows."""


def properties(texts: Sequence[str]) -> Mapping[str, Tensor]:
    """Return length, shares of kinds of characters, and script, each (B,).

    characters: their number. The shares are of all characters: letters, digits, punctuation (with
    symbols), capitals. script: the number of the one that most letters are of.
    """
    count = [max(len(text), 1) for text in texts]
    kinds = [Counter(unicodedata.category(character) for character in text) for text in texts]

    def share(*begins: str) -> Tensor:
        found = [
            sum(n for kind, n in one.items() if kind.startswith(begins)) / length
            for one, length in zip(kinds, count, strict=True)
        ]
        return torch.tensor(found, dtype=torch.float64)

    return {
        "characters": torch.tensor([len(text) for text in texts], dtype=torch.float64),
        "letters": share("L", "M"),
        "digits": share("N"),
        "punctuation": share("P", "S"),
        "capitals": share("Lu", "Lt"),
        "script": torch.tensor([script(text) for text in texts], dtype=torch.int64),
    }


def script(text: str) -> int:
    """Return the number of the script that most of a text's letters are of, the first of equals."""
    found = Counter(
        unicodedata.name(character, "").split(" ")[0].split("-")[0]
        for character in text
        if character.isalpha()
    )
    known = [(found[name], -number) for number, name in enumerate(SCRIPTS) if found[name]]
    return -max(known)[1] if known else len(SCRIPTS)
