import pytest

from suite.claims.all import CLAIMS
from suite.claims.sets import names, read_set
from suite.compose import compose
from suite.errors import ConfigError

SMALL = "sizes: {key: a, values: [1]}\nwidth: {key: a, values: [1]}\n" + (
    "depth: {key: a, values: [1]}\ndimension: {key: a, values: [1]}\n"
    "compute: {key: a, values: [1]}\n"
)
WHOLE = SMALL + "overrides: []\n"


def test_the_four_embedded_sets_are_there():
    assert names() == ["digits", "language_names", "spoken_digits_ctc", "spoken_words"]


@pytest.mark.parametrize("name", names())
def test_every_kind_of_run_composes(name):
    one = read_set(name)
    kinds = {}
    for claim in CLAIMS:
        for cell in claim.cells(one):
            # One of each study: a ladder's steps differ in a number.
            kinds.setdefault((cell.study, *map(str, cell.axes.values()))[:2], cell)
    for cell in kinds.values():
        config = compose(cell.overrides)
        assert config.seed == cell.seed
    assert len({study for study, *_ in kinds}) >= 8


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("overrides: [", "is not YAML"),
        ("- a", "has to hold keys"),
        ("overides: []", "overides: no such key; did you mean 'overrides'?"),
        ("sizes: 3", "sizes: give key and values"),
        (SMALL, "missing 3 required keyword-only arguments: 'overrides', 'optimizer', and 'rates'"),
        (WHOLE + "optimizer: sgd\nrates: {adam: [1]}", "optimizer=sgd: has no rates"),
        (WHOLE + "optimizer: sgd\nrates: {sgd: [1, fast]}", "rates.sgd=[1, 'fast']: give numbers"),
    ],
)
def test_wrong_file_is_told_in_a_line(tmp_path, text, told):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        read_set(str(path))
    assert told in str(error.value)
    assert str(path) in str(error.value)


def test_numbers_may_be_written_as_hydra_takes_them(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(WHOLE + "optimizer: sgd\nrates: {sgd: [1e-3, 0.1, 1]}")
    assert read_set(str(path)).rates == {"sgd": (1e-3, 0.1, 1.0)}
    assert read_set(str(path)).middle("sgd") == 0.1


@pytest.mark.parametrize("name", ["digit", "not_there.yaml"])
def test_unknown_set_is_told_in_a_line(name):
    with pytest.raises(ConfigError, match=f"--set {name}: "):
        read_set(name)
