import pytest

from suite import ConfigError
from suite.new import files
from suite.new.files import package_files, tree_files, write_beside, write_package
from suite.new.likeness import LIKE
from suite.new.naming import LONGEST


@pytest.mark.parametrize("like", LIKE)
def test_templates_have_no_holes_and_their_python_compiles(like):
    for made in (package_files("birds", like), tree_files("birds", like)):
        assert not [path for path, text in made.items() if "$" in text]
        for path, text in made.items():
            if path.endswith(".py"):
                compile(text, path, "exec")


@pytest.mark.parametrize("like", LIKE)
def test_lines_of_the_longest_name_fit(like):
    for made in (package_files("b" * LONGEST, like), tree_files("b" * LONGEST, like)):
        lines = [
            row for path, text in made.items() if path[-3:] == ".py" for row in text.split("\n")
        ]
        assert max(map(len, lines)) <= 100


def test_a_package_is_written_whole(tmp_path):
    made = package_files("birds", "blank")
    write_package(tmp_path / "deep" / "birds", made)
    found = {path: (tmp_path / "deep" / "birds" / path).read_text() for path in made}
    assert found == made
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["birds"]


def test_nothing_is_overwritten_and_nothing_half_written(tmp_path, monkeypatch):
    (tmp_path / "birds").mkdir()
    with pytest.raises(ConfigError, match="is there already, and nothing is overwritten"):
        write_package(tmp_path / "birds", {"a.py": ""})
    _fail_at(monkeypatch, "b.py")
    with pytest.raises(OSError, match="full"):
        write_package(tmp_path / "wrens", {"a.py": "", "b.py": ""})
    assert [path.name for path in tmp_path.iterdir()] == ["birds"]


def test_a_tree_is_as_it_was_where_writing_fails(tmp_path, monkeypatch):
    (tmp_path / "list.py").write_text("before")
    (tmp_path / "old.py").touch()
    with pytest.raises(ConfigError, match=r"old\.py: is there already"):
        write_beside(tmp_path, {"old.py": "x"}, {})
    _fail_at(monkeypatch, "new.py")
    with pytest.raises(OSError, match="full"):
        write_beside(tmp_path, {"new.py": "x"}, {"list.py": "after"})
    assert (tmp_path / "list.py").read_text() == "before"
    assert not (tmp_path / "new.py").exists()


def _fail_at(monkeypatch, name):
    """Let writing of one file fail when half of it is written."""
    write = files._write

    def failing(path, text):
        write(path, text)
        if path.name == name:
            raise OSError("the disk is full")

    monkeypatch.setattr(files, "_write", failing)
