from pathlib import Path

import pytest

from suite.catalogue import Option
from suite.errors import ConfigError
from suite.verbs import references

PAGE = Path(__file__).parents[3] / "docs" / "references.md"


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert references.main(list(arguments)) == 0
    return capsys.readouterr().out


def test_the_page_is_what_conf_tells(capsys: pytest.CaptureFixture[str]) -> None:
    fresh = PAGE.read_text(encoding="utf-8") == said(capsys, "--markdown")
    assert fresh, f"{PAGE} is stale: run `make references`"


def test_a_row_has_all_that_is_known() -> None:
    text = """\
test_examples: 10000
references:
  - {name: people, value: 0.835, kind: human, n: 3, uses: "1,000 images", source: README | p. 1}
  - {name: errors, metric: word_error_rate, value: 0.05, source: Doe}
  - {name: CNN, value: 0.925, source: Doe}
"""
    option = Option(group="data", name="fashion", text=text, schema=None)
    assert references.rows_of(option) == [
        ["fashion", "10,000", "accuracy", "0.925", "published", "CNN", "", "", "Doe"],
        ["fashion", "10,000", "accuracy", "0.835", "human", "people", "n=3", "1,000 images",
         "README | p. 1"],
        ["fashion", "10,000", "word error rate", "0.05", "published", "errors", "", "", "Doe"],
    ]  # fmt: skip
    task = Option(group="task", name="see", text="", schema=None)
    page = references.markdown({"fashion": option}, {"see": task})
    assert "| human | people | n=3 | 1,000 images | README \\| p. 1 |" in page


def test_the_terminal_shows_chosen_sets(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "digits", "spoken_words")
    assert "nearest neighbour" in text
    assert "0.9833" in text
    assert "nothing is known of spoken_words" in text
    assert "TF-IDF" not in text


def test_an_unknown_set_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match="references digit: no such data set; did you mean 'dig"):
        references.main(["digit"])
