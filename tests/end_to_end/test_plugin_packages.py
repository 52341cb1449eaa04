"""Plugins of other packages: what `triathlon new task` writes, and the digits of `examples/`."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from suite.new.likeness import LIKE
from suite.record import read_records
from suite.testing import COSTLY, check_task
from tests.plugin_packages import install, installed_here

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "digits_plugin"
MLP = ["backbone=mlp", "backbone.width=16", "backbone.depth=1"]
RESNET = ["backbone=resnet", "backbone.width=8", "backbone.stages=2"]
PAIRS = {
    "my_image": RESNET,
    "my_text": MLP,
    "my_speech": RESNET,
    "my_blank": MLP,
    "digits_plugin": MLP,
}
"""A sequence or a grid for each: the stems are tested for both in `tests/unit/stems`."""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A package of each kind, as the command writes it."""
    from suite.verbs.new import main

    folder = tmp_path_factory.mktemp("packages")
    for like in LIKE:
        assert main(["task", f"my_{like}", "--like", like, "--package", "--to", str(folder)]) == 0
    return {like: folder / f"my_{like}" for like in LIKE}


@pytest.fixture(scope="module")
def site(packages: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    install(*packages.values(), DIGITS, to=folder)
    return folder


@pytest.fixture
def plugins(site: Path) -> Iterator[None]:
    with installed_here(site):
        yield


@pytest.mark.usefixtures("plugins")
@pytest.mark.parametrize("name", PAIRS)
def test_it_keeps_the_contract(name: str) -> None:
    check_task([f"task={name}", "trainer.batch_size=16", *PAIRS[name]], skip=COSTLY)


@pytest.mark.usefixtures("plugins")
@pytest.mark.parametrize("like", ["text", "blank"])
def test_a_part_of_it_and_options_of_its_own(like: str, inside, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    short = [*MLP, "trainer=smoke", "trainer.steps=2", "tracking=none", "hardware=cpu_single"]
    own = ["task.head_dropout=0.2", "data.train_examples=64", "data.classes=2"]
    assert inside(f"task=my_{like}", *short, *own).code == 0
    (record,) = read_records(tmp_path / "results")
    assert record.status == "finished"
    assert record.data_card["sizes"]["train"] == 64
    assert record.data_card["licence"] == LIKE[like].licence
    inside(f"task=my_{like}", "task.head_dropout=1").refused("task.head_dropout=1", "below 1")
    inside(f"task=my_{like}", "data=digits").refused("data=digits", f"task=my_{like} takes my_")


@pytest.mark.usefixtures("plugins")
def test_it_learns(inside, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    fast = ["trainer.epochs=4", "optimizer.lr=3e-3", "tracking=none", "hardware=cpu_single"]
    assert inside("task=my_blank", "backbone=mlp", *fast).code == 0
    (record,) = read_records(tmp_path / "results")
    assert record.metrics["test/accuracy"] > 0.9


def test_it_is_listed_without_being_imported(light, site: Path) -> None:  # type: ignore[no-untyped-def]
    path = os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))
    said = light("list", "task", "data", PYTHONPATH=path)
    assert "digits_plugin         Which digit is written, as a plugin of one module." in said.out
    assert "1,797 handwritten digits of 8 x 8, as scikit-learn carries them." in said.out
    for like, told in LIKE.items():
        assert f"  my_{like}" in said.out
        assert told.line in said.out
        assert told.data_line in said.out


def test_the_digits_are_two_files_of_sixty_lines() -> None:
    files = [path for path in DIGITS.rglob("*") if path.suffix not in (".pyc", "")]
    assert sorted(path.name for path in files) == ["digits_plugin.py", "pyproject.toml"]
    assert sum(len(path.read_text().splitlines()) for path in files) <= 60


@pytest.mark.usefixtures("plugins")
def test_the_digits_train_and_are_in_the_leaderboard(inside, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    fast = ["backbone=mlp", "trainer.epochs=5", "tracking=none", "hardware=cpu_single"]
    assert inside("task=digits_plugin", *fast).code == 0
    (record,) = read_records(tmp_path / "results")
    assert (record.task, record.data) == ("digits_plugin", "digits_plugin")
    assert record.metrics["test/accuracy"] > 0.95
    assert record.data_card["licence"] == "CC BY 4.0"
    assert inside("report").code == 0
    assert "digits_plugin" in (tmp_path / "results" / "leaderboard.md").read_text()


def test_a_package_is_clean_and_has_a_test_of_its_own(packages: dict[str, Path]) -> None:
    for like, folder in packages.items():
        for command in (["format", "--check"], ["check"]):
            done = subprocess.run(
                [sys.executable, "-m", "ruff", *command, "."], cwd=folder, capture_output=True
            )
            assert done.returncode == 0, done.stdout.decode()
        assert (folder / "tests" / f"test_my_{like}.py").is_file()


def test_types_of_a_package_are_strict(packages: dict[str, Path]) -> None:
    # With the cache of `make lint`, which has torch and the suite in it.
    command = [sys.executable, "-m", "mypy", "--strict", f"--cache-dir={ROOT / '.mypy_cache'}"]
    folders = [str(folder / folder.name) for folder in packages.values()]
    done = subprocess.run(
        [*command, f"--config-file={ROOT / 'pyproject.toml'}", *folders],
        cwd=next(iter(packages.values())).parent,
        env={**os.environ, "MYPYPATH": os.pathsep.join([str(ROOT), *map(str, packages.values())])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_cannot_be_written_is_refused_in_a_line(light, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    light("new", "task", "birds", "--like", "image").refused("in no checkout of", "give --package")
    light("new", "task", "Birds", "--like", "image", "--package").refused("new task Birds")
    (tmp_path / "birds").touch()
    light("new", "task", "birds", "--like", "image", "--package").refused("birds: is there already")
    light("new", "task", "wrens", "--like", "image", "--package", "--to", "birds").refused(
        "--to birds: cannot be written", "give another folder"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["birds"]
