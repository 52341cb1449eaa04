from tasks.text_classification import language_names
from tasks.text_classification.data.embedded import LanguageNames


def test_what_is_cached_is_what_was_gathered(tmp_path, monkeypatch):
    made = LanguageNames().load(tmp_path)
    assert made.card.fingerprint == language_names.fingerprint(language_names.language_names())
    monkeypatch.setattr(language_names, "language_names", None)
    assert LanguageNames().load(tmp_path) == made


def test_a_damaged_file_is_made_anew(tmp_path):
    made = LanguageNames().load(tmp_path)
    (file,) = tmp_path.iterdir()
    for content in ("{", "{}", '{"splits": 1}'):
        file.write_text(content)
        assert LanguageNames().load(tmp_path) == made
