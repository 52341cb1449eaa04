import pytest

from suite import Plugin
from suite.clashes import clashes


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Make packages of configuration files that can be found."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(name, *files):
        for file in files:
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("# One\n")
        return Plugin(package=name, conf=f"pkg://{name}")

    return make


def test_file_that_two_have_names_both(package):
    plugins = {
        "black": package("black_conf", "task/chess.yaml", "data/openings.yaml", "README.md"),
        "white": package("white_conf", "task/chess.yaml", "data/ends.yaml", "README.md"),
    }
    (told,) = clashes(plugins, {"white": "white (chess-white 2.0)"})
    assert told == (
        "plugins black and white (chess-white 2.0) both have task/chess.yaml: uninstall or rename "
        "one, or leave one out with TRIATHLON_DISABLED_PLUGINS=<name>"
    )


@pytest.mark.parametrize("file", ["task/image_recognition.yaml", "config.yaml"])
def test_file_of_the_suites_own_is_not_overridden(package, file):
    (told,) = clashes({"sly": package("sly_conf", file)}, {})
    assert told.startswith(f"plugins triathlon and sly both have {file}")


def test_others_are_none(package):
    plugins = {"one": package("first_conf", "task/a.yaml"), "two": Plugin(package="two")}
    assert list(clashes(plugins, {})) == []
