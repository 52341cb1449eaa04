import pytest

from tasks.text_classification.properties import SCRIPTS, properties, script


def test_shares_by_hand():
    found = properties(["Ab 1!", ""])
    assert found["characters"].tolist() == [5, 0]
    for name, share in {"letters": 0.4, "digits": 0.2, "punctuation": 0.2, "capitals": 0.2}.items():
        assert found[name].tolist() == pytest.approx([share, 0])


@pytest.mark.parametrize(
    ("text", "name"),
    [("who", "LATIN"), ("кто, who? никто", "CYRILLIC"), ("日本", "CJK"), ("ひとつ", "HIRAGANA"),
     ("한국어", "HANGUL"), ("हिन्दी", "DEVANAGARI"), ("ⵣⴰ", None), ("42", None)],
)  # fmt: skip
def test_script_is_that_of_most_letters(text, name):
    assert script(text) == (len(SCRIPTS) if name is None else SCRIPTS.index(name))
