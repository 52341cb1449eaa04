"""The example plugins: each installs, passes its own tests, trains, and stands in a leaderboard."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
SMALL = {
    "audio_tagging": ["data.clips=60"],
    "masked_language_modelling": ["task.embedding=8"],
    "tabular_regression": [],
}
"""The example packages, each with what makes its data small."""
SHORT = [
    "backbone=mlp",
    "backbone.width=8",
    "trainer=smoke",
    "trainer.steps=2",
    "tracking=none",
    "hardware=cpu_single",
]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder that the example packages are installed into, without an index."""
    folder = tmp_path_factory.mktemp("installed")
    sources = []
    for name in SMALL:  # copied: building leaves nothing in the tree
        source = folder / "source" / name
        shutil.copytree(EXAMPLES / name, source)
        sources.append(source)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    call([*pip, "--no-build-isolation", "--target", folder / "site", *sources], cwd=folder)
    return folder / "site"


def call(command, cwd, path=()):
    unset = ("TRIATHLON_SWEEP", "HYDRA_FULL_ERROR")
    found = [str(ROOT), *map(str, path)]
    env = {k: v for k, v in os.environ.items() if k not in unset}
    env |= {"PYTHONPATH": os.pathsep.join(found), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=env, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


_COMMANDS = """
import json, sys
from suite.cli import main
for arguments in json.loads(sys.argv[1]):
    try:
        main(arguments)
    except SystemExit as stopped:
        assert not stopped.code, (arguments, stopped.code)
"""


def triathlon(installed, cwd, *commands):
    """Give commands one after the other, in one process that imports torch once."""
    return call([sys.executable, "-c", _COMMANDS, json.dumps(commands)], cwd, [installed])


@pytest.fixture(scope="module")
def trained(installed, tmp_path_factory):
    """A folder in which each example was trained for two steps and ranked by the command."""
    folder = tmp_path_factory.mktemp("trained")
    runs = [[f"task={name}", *small, *SHORT] for name, small in SMALL.items()]
    triathlon(installed, folder, *runs, ["report"])
    return folder


def test_each_is_listed(installed, tmp_path):
    listed = triathlon(installed, tmp_path, ["list", "task", "data", "loss"])
    for name in (*SMALL, "synthetic_sounds", "python_reference", "diabetes"):
        assert f"  {name} " in listed
    assert "does not load" not in listed


@pytest.mark.parametrize("name", sorted(SMALL))
def test_each_trains_and_is_ranked(trained, name):
    records = [json.loads(path.read_text()) for path in trained.glob("results/runs/*/record.json")]
    (record,) = [one for one in records if one["task"] == name]
    assert record["status"] == "finished"
    assert f"test/{record['primary']}" in record["metrics"]
    board = (trained / "results" / "leaderboard.md").read_text()
    assert f"{name} / {record['data']}" in board


def test_own_tests_of_each_pass(installed, tmp_path):
    tests = [EXAMPLES / name / "tests" for name in sorted(SMALL)]
    options = ["-q", "-W", "error", "-p", "no:cacheprovider", "--import-mode=importlib"]
    told = call(
        [sys.executable, "-m", "pytest", *options, f"--rootdir={tmp_path}", *tests],
        tmp_path,
        [installed],
    )
    assert " passed" in told
    assert "skipped" not in told


@pytest.mark.parametrize("name", sorted(SMALL))
def test_each_imports_public_names_only(name):
    import suite

    for file in (EXAMPLES / name).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                taken = [alias.name.split(".")[0] for alias in node.names]
                assert not {"suite", "tasks", "conf"} & set(taken), file
            if isinstance(node, ast.ImportFrom) and node.module:
                assert node.module.split(".")[0] not in ("tasks", "conf"), file
                if node.module == "suite.testing":
                    assert {alias.name for alias in node.names} <= {"COSTLY", "check_task"}, file
                elif node.module.split(".")[0] == "suite":
                    assert node.module == "suite", file
                    assert {alias.name for alias in node.names} <= set(suite.__all__), file


def test_nothing_in_the_tree_imports_an_example():
    packages = {path.name for path in EXAMPLES.iterdir()} | {"examples"}
    for room in ("suite", "tasks", "conf", "benchmarks"):
        for file in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                assert not packages & {name.split(".")[0] for name in names}, file
