"""The digits task as a plugin of somebody else: two files, found, checked, trained and ranked."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from suite.record import read_records
from suite.testing import check_task
from tests.plugin_packages import install, installed_here

PACKAGE = Path(__file__).parents[2] / "examples" / "digits_plugin"
SMALL = {
    "mlp": ["backbone=mlp", "backbone.width=16", "backbone.depth=1"],
    "resnet": ["backbone=resnet", "backbone.width=8", "backbone.stages=2"],
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    install(PACKAGE, to=folder)
    return folder


@pytest.fixture
def plugin(site: Path) -> Iterator[None]:
    with installed_here(site):
        yield


def test_it_is_two_files_of_sixty_lines() -> None:
    files = [path for path in PACKAGE.rglob("*") if path.suffix not in (".pyc", "")]
    assert sorted(path.name for path in files) == ["digits_plugin.py", "pyproject.toml"]
    assert sum(len(path.read_text().splitlines()) for path in files) <= 60


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize("backbone", SMALL)
def test_it_keeps_the_contract(backbone: str) -> None:
    check_task(["task=digits_plugin", *SMALL[backbone], "trainer.batch_size=16"])


@pytest.mark.usefixtures("plugin")
def test_a_part_of_it_keeps_the_contract() -> None:
    part = ["data.train_examples=200", "data.classes=3", "trainer.batch_size=16"]
    check_task(["task=digits_plugin", *SMALL["mlp"], *part])


@pytest.mark.usefixtures("plugin")
def test_it_is_listed_without_being_imported(light, site: Path) -> None:  # type: ignore[no-untyped-def]
    path = os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))
    said = light("list", "task", "data", PYTHONPATH=path)
    assert "digits_plugin         Which digit is written, as a plugin of one module." in said.out
    assert "1,797 handwritten digits of 8 x 8, as scikit-learn carries them." in said.out


@pytest.mark.usefixtures("plugin")
def test_it_trains_and_is_in_the_leaderboard(inside, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    fast = ["backbone=mlp", "trainer.epochs=5", "tracking=none", "hardware=cpu_single"]
    assert inside("task=digits_plugin", *fast).code == 0
    (record,) = read_records(tmp_path / "results")
    assert (record.task, record.data) == ("digits_plugin", "digits_plugin")
    assert record.metrics["test/accuracy"] > 0.95
    assert record.data_card["licence"] == "CC BY 4.0"
    assert inside("report").code == 0
    assert "digits_plugin" in (tmp_path / "results" / "leaderboard.md").read_text()
