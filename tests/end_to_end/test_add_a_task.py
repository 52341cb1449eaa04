"""The tutorial `docs/add-a-task.md`, followed from its first command to its last."""

import re
import runpy
import shlex
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from suite.cli import VERBS
from suite.record import read_records
from tests.plugin_packages import install, installed_here

PAGE = (Path(__file__).parents[2] / "docs" / "add-a-task.md").read_text(encoding="utf-8")
SHORT = ["trainer=smoke", "trainer.steps=2", "tracking=none", "hardware=cpu_single"]
CHECKED = ["--only=construction,opens,axes,counts,splits,references"]
"""Of the checks, which all of the suite's tests of plugins go through."""


def blocks(page: str) -> list[tuple[str, str]]:
    """Return what is to be done, in order: a file with its content, or a command without one."""
    done: list[tuple[str, str]] = []
    for language, body in re.findall(r"^```(bash|python|yaml)\n(.*?)^```$", page, re.M | re.S):
        if language == "bash":
            done += [(line, "") for line in body.splitlines() if line.strip()]
            continue
        named, _, content = body.partition("\n")
        assert named.startswith("# "), f"a file's block begins with its name: {named}"
        done.append((named.removeprefix("# "), content))
    return done


class Reader:
    """Does what the page says, in one folder."""

    def __init__(self, triathlon, folder: Path, stack: ExitStack) -> None:  # type: ignore[no-untyped-def]
        self.triathlon, self.folder, self.stack = triathlon, folder, stack

    def follow(self, step: str, content: str) -> str:
        """Write a file or give a command; return what it printed."""
        if content:
            path = self.folder / step
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
            return ""
        program, *arguments = shlex.split(step, comments=True)
        if program == "python":
            runpy.run_path(str(self.folder / arguments[0]))
            return ""
        if program == "pip":
            assert arguments[:2] == ["install", "-e"]
            self._install(self.folder / arguments[2])
            return ""
        assert program == "triathlon"
        if arguments[0] == "check":
            if "check" not in VERBS:
                return ""
            arguments += CHECKED
        elif arguments[0] not in VERBS:
            arguments += SHORT
        said = self.triathlon(*arguments)
        assert said.code == 0, (step, said)
        return str(said.out)

    def _install(self, package: Path) -> None:
        """Install as `-e` does: what is changed afterwards counts."""
        site = self.folder / "site"
        install(package, to=site)
        shutil.rmtree(site / package.name)
        (site / package.name).symlink_to(package / package.name)
        self.stack.enter_context(installed_here(site))


@pytest.fixture
def reader(inside, tmp_path: Path) -> Iterator[Reader]:  # type: ignore[no-untyped-def]
    with ExitStack() as stack:
        yield Reader(inside, tmp_path, stack)


def test_the_tutorial_leads_to_a_row_in_the_leaderboard(reader: Reader) -> None:
    printed = {step: reader.follow(step, content) for step, content in blocks(PAGE)}
    assert "Round or not: 600 drawn shapes." in printed["triathlon list data --config-dir my_conf"]
    assert "roman" in printed["triathlon list task"]
    assert "always the same digit" in printed["triathlon references roman"]
    board = (reader.folder / "results" / "leaderboard.md").read_text()
    rows = board.partition("## roman / roman")[2].splitlines()
    for row in ("| mlp + adamw |", "| lstm + adamw |", "| baseline: always the same digit"):
        assert [line for line in rows if line.startswith(row)], board
    records = read_records(reader.folder / "results")
    assert {record.data for record in records} == {"shapes", "roman"}
    # The size that its references are results on is what the data comes to.
    assert {len(record.references) for record in records if record.data == "roman"} == {1}


def test_files_that_the_page_speaks_of_are_written(tmp_path: Path) -> None:
    from suite.new.files import package_files

    listed = re.findall(r"^\| `((?:roman|tests|pyproject)[\w/.]*)` \|", PAGE, re.M)
    assert set(listed) <= set(package_files("roman", "text"))
    assert len(listed) == 7
