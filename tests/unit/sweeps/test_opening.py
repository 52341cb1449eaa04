"""Which sweep a command means."""

from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from suite import locks
from suite.compose import compose
from suite.config import OnChange, SweepConfig
from suite.errors import ConfigError
from suite.record import RunRecord
from suite.sweeps.books import Status
from suite.sweeps.opening import opened
from suite.sweeps.plan import Cell, Plan
from suite.tracking.sweep_run import Sweep, current_sweep


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRIATHLON_SWEEP", "")
    return tmp_path / "results"


def plan(*seeds: int, command: str = "seed", epochs: int = 10) -> Plan:
    def cell(seed: int) -> Cell:
        overrides = (f"seed={seed}",)
        return Cell.of(compose([*overrides, f"trainer.epochs={epochs}"]), overrides)

    return Plan(command=(command,), cells=tuple(map(cell, seeds)))


def name_of(results: Path, asked: Plan, name: str | None = None, **more: Any) -> str:
    """Open the sweep as a command would; return its name."""
    hydra = {"sweep": {"dir": more.get("dir", "d")}, "overrides": {"hydra": more.get("hydra", [])}}
    config = OmegaConf.create(
        {
            "results": str(results),
            "tracking": {"enabled": False, "uri": None, "experiment": None},
            "sweep": SweepConfig(name=name, on_change=more.get("change", OnChange.refuse)),
            "hydra": hydra,
        }
    )
    with opened(config, asked, "seed2") as (books, _):
        sweep = current_sweep()
        assert sweep is not None
        assert sweep.id == books.folder.name
    return books.folder.name


def test_the_same_command_is_the_same_sweep(results: Path) -> None:
    name = name_of(results, plan(0, 1))
    assert name == f"seed2-{plan(0, 1).identity[:6]}"
    assert name_of(results, plan(1, 0)) == name
    begun = Sweep.read(results / "sweeps" / name).started
    assert begun > 0
    assert name_of(results, plan(0, 1)) == name
    assert Sweep.read(results / "sweeps" / name).started == begun


def test_the_same_cells_without_the_name_are_the_named_sweep(results: Path) -> None:
    name_of(results, plan(0, 1), "mine")
    assert name_of(results, plan(0, 1, command="another")) == "mine"
    assert name_of(results, plan(0, 1), "yours") == "yours"


def test_the_same_command_with_a_changed_configuration_is_refused(results: Path) -> None:
    name = name_of(results, plan(0, 1))
    with pytest.raises(ConfigError) as refused:
        name_of(results, plan(0, 1, epochs=3))
    message = str(refused.value)
    assert message.startswith(f"sweep {name}: has other runs than asked for: ")
    assert "trainer.epochs: 10.0, now 3.0 (2 runs)" in message
    assert "sweep.on_change=new" in message
    assert "\n" not in message
    beside = name_of(results, plan(0, 1, epochs=3), change=OnChange.new)
    assert beside != name
    assert name_of(results, plan(0, 1, epochs=3)) == beside
    # Another command may have what cells it likes.
    assert name_of(results, plan(0, 2, command="other")) not in (name, beside)


def test_a_name_that_has_other_cells_is_refused_extended_or_left_beside(results: Path) -> None:
    name_of(results, plan(0, 1), "mine")
    with pytest.raises(ConfigError, match="1 added: seed=2; 1 gone: seed=0"):
        name_of(results, plan(1, 2), "mine")
    assert name_of(results, plan(1, 2), "mine", change=OnChange.new) == "mine-2"
    assert name_of(results, plan(1, 2), "mine", change=OnChange.new) == "mine-2"
    assert name_of(results, plan(5), "mine", change=OnChange.new) == "mine-3"
    assert name_of(results, plan(1, 2), "mine", change=OnChange.extend) == "mine"
    known = Plan.read(results / "sweeps" / "mine")
    assert known is not None
    assert known.identity == plan(0, 1, 2).identity


def test_hydras_own_key_names_a_sweep_too(results: Path) -> None:
    given = {"dir": "results/sweeps/theirs", "hydra": ["hydra.sweep.dir=results/sweeps/theirs"]}
    assert name_of(results, plan(0), **given) == "theirs"


def test_a_sweep_that_is_running_is_not_opened_twice(results: Path) -> None:
    name_of(results, plan(0), "mine")
    folder = results / "sweeps" / "mine"
    import subprocess
    import sys

    code = (
        "import sys; from pathlib import Path; from suite import locks; "
        "assert locks.take(Path(sys.argv[1])); print(1, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder / "locks" / "sweep.lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(ConfigError, match="mine: is running; `triathlon sweep status mine`"):
            name_of(results, plan(0), "mine")
        other.kill()
    assert name_of(results, plan(0), "mine") == "mine"
    assert not locks.held(folder / "locks" / "sweep.lock")


def test_books_that_were_lost_are_made_again_from_records(results: Path) -> None:
    asked = plan(0, 1)
    made = RunRecord(
        run_id="one", name="one", sweep="mine", config_hash=asked.cells[0].key, status="finished"
    )
    made.write(results / "runs" / "one")
    hydra = {"sweep": {"dir": "d"}, "overrides": {"hydra": []}}
    config = OmegaConf.create(
        {
            "results": str(results),
            "tracking": {"enabled": False, "uri": None, "experiment": None},
            "sweep": SweepConfig(name="mine"),
            "hydra": hydra,
        }
    )
    with opened(config, asked, "seed2") as (books, known):
        stands = [books.entry(cell.key).status for cell in known.cells]
    assert stands == [Status.finished, Status.pending]
