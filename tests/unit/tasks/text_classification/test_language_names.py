from collections import Counter

import pytest

from suite import OnError
from suite import Split as Parts
from tasks.text_classification import language_names as names
from tasks.text_classification.data import LanguageNames


@pytest.fixture(scope="module")
def phrases():
    return names.language_names()


def test_no_key_is_in_two_splits(phrases):
    by_key = {}
    for phrase in phrases:
        assert by_key.setdefault(phrase.key, phrase.split) == phrase.split
    assert len(by_key) > 1000


def test_no_text_is_there_twice_whatever_its_case(phrases):
    counts = Counter(phrase.text.casefold() for phrase in phrases)
    assert max(counts.values()) == 1


def test_size_is_about_what_is_said_of_it(phrases):
    assert 34_000 < len(phrases) < 38_000
    splits = Counter(phrase.split for phrase in phrases)
    assert splits["test"] / len(phrases) == pytest.approx(0.1, abs=0.02)
    assert splits["validation"] / len(phrases) == pytest.approx(0.1, abs=0.02)
    languages = Counter(phrase.language for phrase in phrases)
    assert set(languages) == set(names.LANGUAGES)
    assert len(names.LANGUAGES) == 40
    assert min(languages.values()) > 150


def test_known_phrases(phrases):
    found = {(phrase.language, phrase.text) for phrase in phrases}
    assert ("de", "Deutsche Mark") in found
    assert all(any(c.isalpha() for c in text) for _, text in found)


def test_fingerprint_is_stable_and_knows_every_phrase(phrases):
    assert names.fingerprint(phrases) == names.fingerprint(names.language_names.__wrapped__())
    assert names.fingerprint(phrases[1:]) != names.fingerprint(phrases)


def test_split_is_by_hash_of_the_key():
    # sha256("territory/UY")[:8] modulo 10, computed apart.
    import hashlib

    for key in ("territory/UY", "language/de", "unit/length-meter", "script/Latn"):
        tenth = int(hashlib.sha256(key.encode()).hexdigest()[:16], 16) % 10
        assert names.split_of(key) == {0: "test", 1: "validation"}.get(tenth, "train")


def test_data_set_has_the_phrases_by_split(phrases, tmp_path):
    loaded = LanguageNames(on_error=OnError.stop).load(tmp_path)
    for split in Parts:
        mine = [p for p in phrases if p.split == split.value]
        assert list(loaded.splits[split].texts) == [p.text for p in mine]
        given = [loaded.classes[k] for k in loaded.splits[split].labels]
        assert given == [p.language for p in mine]
    assert sum(loaded.card.sizes.values()) == len(phrases)
    assert not loaded.card.synthetic
    assert "CLDR" in loaded.card.version
