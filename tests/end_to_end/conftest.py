"""The command line as a user meets it: in a process of its own, or in this one to save imports."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

_WATCHED = """
import sys
from suite.cli import main
try:
    main(sys.argv[1:])
finally:
    heavy = {"torch", "mlflow", "datasets", "sklearn", "matplotlib"} & set(sys.modules)
    print("imported:", *sorted(heavy), file=sys.stderr)
"""


@dataclass(frozen=True)
class Said:
    """How a command ended and what it printed."""

    code: int
    out: str
    error: str

    def refused(self, *parts: str) -> None:
        """Require exit code 2 and one line that holds all the parts."""
        assert self.code == 2, self
        lines = [line for line in self.error.splitlines() if line.startswith("triathlon: ")]
        assert self.error.splitlines() == lines, self
        assert len(lines) == 1, self
        for part in parts:
            assert part in lines[0], self


Command = Callable[..., Said]


def _environment(**extra: str) -> dict[str, str]:
    """Return ours with one thread, a wide terminal, and nothing that an earlier run has set."""
    unset = ("HYDRA_FULL_ERROR", "TRIATHLON_SWEEP", "COMP_LINE", "COMP_POINT")
    kept = {k: v for k, v in os.environ.items() if k not in unset}
    return {**kept, "OMP_NUM_THREADS": "1", "COLUMNS": "200", **extra}


def _run(command: list[str], cwd: Path, **extra: str) -> Said:
    done = subprocess.run(
        command, cwd=cwd, env=_environment(**extra), capture_output=True, text=True, timeout=300
    )
    return Said(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def script() -> Path:
    """The installed command of this environment."""
    return Path(sys.executable).parent / "triathlon"


@pytest.fixture(scope="session")
def triathlon(script: Path, cache: Path) -> Command:
    """Run the installed command: `triathlon(folder, *arguments, **environment)`."""

    def run(cwd: Path, *arguments: str, **extra: str) -> Said:
        return _run([str(script), *arguments], cwd, **extra)

    return run


@pytest.fixture
def light(tmp_path: Path) -> Command:
    """Run a command that must be done before anything heavy is imported."""

    def run(*arguments: str, **extra: str) -> Said:
        said = _run([sys.executable, "-c", _WATCHED, *arguments], tmp_path, **extra)
        lines = said.error.splitlines()
        assert lines[-1:] == ["imported:"], said
        return Said(said.code, said.out, "\n".join(lines[:-1]))

    return run


@pytest.fixture
def inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Command:
    """Run a command in this process, which has torch already."""
    from suite.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("HYDRA_FULL_ERROR", "TRIATHLON_SWEEP"):
        monkeypatch.setenv(name, "")

    def run(*arguments: str) -> Said:
        os.environ.pop("HYDRA_FULL_ERROR", None)
        os.environ.pop("TRIATHLON_SWEEP", None)
        capfd.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        told = capfd.readouterr()
        return Said(int(stopped.value.code or 0), told.out, told.err)

    return run
