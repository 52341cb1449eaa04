"""What may be imported from where, and that the light parts stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import suite

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "tasks").rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_tasks_import_public_names_only(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            taken = [alias.name for alias in node.names]
            assert not [name for name in taken if name.split(".")[0] == "suite"], file
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "suite":
            assert node.module == "suite", f"{file}:{node.lineno}"
            assert {alias.name for alias in node.names} <= set(suite.__all__), file


def test_public_names_exist_once():
    assert len(suite.__all__) == len(set(suite.__all__))
    for name in suite.__all__:
        assert getattr(suite, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Trainer'"):
        _ = suite.Trainer


def test_suite_and_tasks_import_without_torch():
    code = "import sys, suite, suite.cli, tasks; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
