"""The embedded set of phrases in 40 languages."""

from pathlib import Path

from suite import DataCard, OnError, Split
from tasks.text_classification import language_names as names
from tasks.text_classification.data.texts import Texts, TextSet


class LanguageNames:
    """Phrases of the Unicode CLDR; see `LanguageNamesConfig`."""

    def __init__(self, on_error: OnError = OnError.stop) -> None:
        """Nothing to choose: the set has no samples that cannot be read."""

    def load(self, cache: Path) -> TextSet:
        """Return the phrases by split."""
        phrases = names.language_names()
        number = {language: k for k, language in enumerate(names.LANGUAGES)}
        splits = {}
        for split in Split:
            mine = [phrase for phrase in phrases if phrase.split == split.value]
            splits[split] = Texts([p.text for p in mine], [number[p.language] for p in mine])
        card = DataCard(
            name="language_names",
            version=names.data_version(),
            licence=names.LICENCE,
            source=names.SOURCE,
            fingerprint=names.fingerprint(phrases),
            sizes={split.value: len(splits[split].texts) for split in Split},
            notes="split by CLDR key",
        )
        return TextSet(splits, names.LANGUAGES, card)
