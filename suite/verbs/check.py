"""`triathlon check NAME`: tells whether a task keeps the contract."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.errors import ConfigError

if TYPE_CHECKING:
    from suite.checking.check import Check, Result
    from suite.checking.named import Run
    from suite.config import RunConfig

_BROKEN = 1


def main(arguments: list[str]) -> int:
    """Check a task before it runs for a day: shapes, splits, seeds, masks, loss, metrics, leaks.

    NAME is a task, a data set (which is checked with each task that reads it) or an experiment, of
    conf/, of a plugin or of --config-dir. The model is small and training takes seconds, on the
    CPU. Exit code 1 where a check fails.
    """
    chosen = _parser().parse_intermixed_args(arguments)
    if chosen.list:
        return _list()
    if chosen.name is None:
        raise ConfigError("check: give the name of a task, a data set or an experiment")
    from suite.checking.named import runs_of
    from suite.config_folder import checked

    runs = runs_of(chosen.name, chosen.overrides, checked(chosen.config_dir))

    from suite.checking.all import chosen as choose

    checks = choose(_split(chosen.only), _split(chosen.skip))
    told = [_check(run, checks) for run in runs]
    if chosen.json is not None:
        _write(chosen.json, told)
    return 0 if all(one["passed"] for one in told) else _BROKEN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("triathlon check", description=main.__doc__)
    parser.add_argument("name", nargs="?", help="task, data set or experiment; or task=NAME, …")
    parser.add_argument("overrides", nargs="*", help="as for a run: data.path=… backbone=…")
    parser.add_argument("--only", default="", help="checks, by name, with commas (default: all)")
    parser.add_argument("--skip", default="", help="checks to leave out, by name, with commas")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was seen here too")
    parser.add_argument(
        "--config-dir", type=Path, help="a folder of your own with data/NAME.yaml and the like"
    )
    parser.add_argument("--list", action="store_true", help="list the checks")
    return parser


def _split(names: str) -> list[str]:
    return [name for name in names.split(",") if name]


def _list() -> int:
    from suite.checking.all import CHECKS

    for check in CHECKS:
        print(f"{check.name}: {check.looks_for}")
    return 0


def _check(run: "Run", checks: "list[Check]") -> dict[str, Any]:
    from suite.checking import told

    for backbone in run.backbones:
        config = run.config(backbone)
        try:
            results = _examined(config, checks)
        except ConfigError as error:
            refused = str(error).startswith(f"backbone={backbone}:")
            if not refused or backbone == run.backbones[-1]:
                raise
        else:
            break
    names = [config.choices.get(group) for group in ("task", "data", "backbone")]
    told.show(" · ".join(name for name in names if name), results)
    return told.plain(config.choices, results)


def _examined(config: "RunConfig", checks: "list[Check]") -> "list[Result]":
    from suite.checking.runner import examine
    from suite.checking.subject import CPU, Subject
    from suite.hardware.device import prepare_process

    prepare_process(config.hardware, CPU)
    results: list[Result] = []
    waiting = iter([*(check.name for check in checks), ""])
    _tell(next(waiting))
    for result in examine(Subject(config, in_part=True), checks):
        results.append(result)
        _tell(next(waiting))
    return results


def _tell(doing: str) -> None:
    """Say on a terminal what is looked at."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{doing}", end="", file=sys.stderr, flush=True)


def _write(path: Path, told: list[dict[str, Any]]) -> None:
    try:
        path.write_text(json.dumps({"checked": told}, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"--json {path}: cannot be written ({error.strerror}); give a file in a folder that is "
            "there"
        ) from error
