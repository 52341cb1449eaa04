"""Where a checkout lists its tasks, a new one is added in the form that ruff leaves alone."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from suite import ConfigError
from suite.new.checkout import checkout_of, registered

ROOT = Path(__file__).parents[3]
LISTS = ("tasks/__init__.py", "pyproject.toml", "tests/conftest.py", "tests/golden/regenerate.py")


@pytest.fixture
def lists(tmp_path):
    for name in LISTS:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((ROOT / name).read_text())
    return tmp_path


def add(root, name):
    for path, text in registered(root, name).items():
        (root / path).write_text(text)


def test_a_checkout_is_known_by_its_files(tmp_path):
    assert checkout_of(ROOT / "tests" / "unit") == ROOT
    assert checkout_of(tmp_path) is None


def test_new_tasks_are_listed_everywhere_and_ruff_has_no_complaint(lists):
    names = ["birds", "x_rays", "a_task_of_a_long_name_xx"]
    for name in names:
        add(lists, name)
    code = (lists / "tasks/__init__.py").read_text()
    compile(code, "tasks/__init__.py", "exec")
    contracts = tomllib.loads((lists / "pyproject.toml").read_text())["tool"]["importlinter"]
    (apart,) = [one for one in contracts["contracts"] if one["name"].startswith("Tasks never")]
    for name in names:
        assert f"from tasks.{name}.config import SCHEMAS as {name.upper()}\n" in code
        assert f"**{name.upper()}" in code
        assert f"tasks.{name}" in apart["modules"]
        assert f'"{name}": ["task={name}"],' in (lists / "tests/conftest.py").read_text()
        assert f'    "{name}": [\n' in (lists / "tests/golden/regenerate.py").read_text()
    assert "tasks.image_recognition" in apart["modules"]
    ours = "--config=lint.isort.known-first-party=['suite', 'tasks']"  # which are not there
    for command in (["format", "--check"], ["check", ours]):
        ruff = [sys.executable, "-m", "ruff", *command, "."]
        done = subprocess.run(ruff, cwd=lists, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", LISTS)
def test_a_file_without_its_list_is_named(lists, name):
    (lists / name).write_text("")
    with pytest.raises(ConfigError, match=r"has no .*where tasks are listed"):
        registered(lists, "birds")
