"""Trains one model on one process and on two, and compares: `python together.py FOLDER SCENARIO …`.

A process that has imported everything and read the data forks those that train, as in killing.py.
"""

import json
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import torch
from killing import ended_well, forked, prepare, what_came

from suite.compose import compose
from suite.config import RunConfig
from suite.resumption import find
from suite.run import run
from suite.tracking.journal import ended, read_journal

BASE = (
    "seed=1", "trainer.epochs=null", "trainer.steps=50", "trainer.batch_size=33",
    "trainer.eval_batch_size=50", "trainer.log_every=1", "trainer.evaluate_every=0.5",
    "tracking.enabled=false", "tracking.figures=false", "hardware=cpu_single", "optimizer=adamw",
    "schedule=constant",
)  # fmt: skip
CONVNET = ("backbone=convnet", "backbone.width=8", "backbone.wide=8", "backbone.stages=2")
TRANSFORMER = (
    "backbone=transformer", "backbone.width=16", "backbone.depth=2", "backbone.heads=2",
    "backbone.dropout=0",
)  # fmt: skip


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _composed(results: Path, overrides: Iterable[str]) -> RunConfig:
    config = compose([*BASE, *overrides])
    config.results = str(results)
    return config


def trained(results: Path, overrides: Iterable[str], processes: int) -> list[int]:
    """Start a run of so many processes; return theirs."""
    config, port = _composed(results, overrides), free_port()

    def work(rank: int) -> None:
        if processes > 1:
            os.environ |= {
                "RANK": str(rank), "WORLD_SIZE": str(processes), "LOCAL_RANK": str(rank),
                "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
            }  # fmt: skip
        run(config, go_on=True)

    return [forked(lambda rank=rank: work(rank)) for rank in range(processes)]


def wait(processes: list[int]) -> None:
    assert all([ended_well(process) for process in processes]), "a run failed"


def kill(processes: list[int]) -> bool:
    """Kill processes; tell whether any was there to be. One may have seen another die before."""
    for process in processes:
        os.kill(process, signal.SIGKILL)
    return any([os.WIFSIGNALED(os.waitpid(process, 0)[1]) for process in processes])


def values(results: Path) -> list[tuple[int, dict[str, float]]]:
    # A hidden one is the draft of a run that was killed before it began.
    (folder,) = (results / "runs").glob("[!.]*")
    events = (event for event, _ in read_journal(folder / "journal.jsonl"))
    return [(e["step"], e["values"]) for e in events if e["event"] == "metrics"]


def apart(one: Path, other: Path) -> dict[str, float]:
    """Return the largest relative difference of each value that is no clock's."""
    found: dict[str, float] = {}
    pairs = zip(values(one), values(other), strict=True)
    for (step, before), (again, after) in pairs:
        assert step == again
        for name in before.keys() & after.keys():
            if name.startswith(("train/", "validation/", "test/")):
                larger = max(abs(before[name]), abs(after[name]), 1e-12)
                found[name] = max(found.get(name, 0.0), abs(before[name] - after[name]) / larger)
    return found


def equal(folder: Path) -> dict[str, object]:
    """Compare 50 steps of one process with those of two, and their evaluation."""
    told: dict[str, object] = {}
    for name, model, more in (
        # With Adam, biases before a normalisation, whose true gradient is zero, would follow the
        # signs of rounding errors.
        ("ddp, batch norm", CONVNET, ("optimizer=sgd", "optimizer.lr=0.05")),
        ("fsdp, batch norm", CONVNET,
         ("optimizer=sgd", "optimizer.lr=0.05", "hardware.parallel=fsdp")),
        ("ddp, accumulated and averaged", TRANSFORMER,
         ("trainer.accumulate=2", "trainer.ema_decay=0.9")),
        ("fsdp", TRANSFORMER,
         ("hardware.parallel=fsdp", "trainer.accumulate=2", "trainer.ema_decay=0.9")),
    ):  # fmt: skip
        for processes in (1, 2):
            wait(trained(folder / name / str(processes), [*model, *more], processes))
        told[name] = apart(folder / name / "1", folder / name / "2")
    # Steps too small to change any weight: evaluation alone.
    for kind in ("ddp", "fsdp"):
        still = [*TRANSFORMER, "optimizer.lr=1e-30", "trainer.steps=2", f"hardware.parallel={kind}"]
        for processes in (1, 2):
            wait(trained(folder / f"still {kind}" / str(processes), still, processes))
        one, two = (values(folder / f"still {kind}" / str(n)) for n in (1, 2))
        told[f"evaluation, {kind}"] = [
            {k: v for k, v in of.items() if k.startswith(("validation/", "test/"))}
            for of in (
                {k: v for _, one_of in all_ for k, v in one_of.items()} for all_ in (one, two)
            )
        ]
    return told


def killed(folder: Path, kills: int) -> dict[str, object]:
    """Kill both processes of a run at a random moment, resume it, and compare to the last bit."""
    chance = random.Random(0)
    overrides = [*TRANSFORMER, "backbone.dropout=0.1", "trainer.checkpoint.every_steps=7",
                 "trainer.ema_decay=0.9"]  # fmt: skip
    began = time.monotonic()
    wait(trained(folder / "whole", overrides, 2))
    seconds = time.monotonic() - began
    whole = what_came(folder / "whole")
    told = {"same": 0, "killed": 0, "resumed": 0}
    for number in range(kills):
        results = folder / str(number)
        processes = trained(results, overrides, 2)
        time.sleep(chance.uniform(0.2, 0.7) * seconds)
        told["killed"] += kill(processes)
        if not any(ended(run_folder) for run_folder in results.glob("runs/*")):
            wait(trained(results, overrides, 2))
        find(results, _composed(results, overrides))  # sweeps up, as the next command does
        came = what_came(results)
        told["resumed"] += len(json.loads(next(results.glob("runs/*/record.json")).read_text())
                               ["resumes"])  # fmt: skip
        told["same"] += came == whole
        if came != whole:
            for name in whole:
                if whole[name] != came[name]:
                    print(number, name, str(whole[name])[:1500], str(came[name])[:1500],
                          file=sys.stderr)  # fmt: skip
    return told


def moved(folder: Path) -> dict[str, object]:
    """Interrupt a run of two processes and go on with one, and the other way round."""
    told: dict[str, object] = {}
    for kind in ("ddp", "fsdp"):
        overrides = [*TRANSFORMER, "trainer.checkpoint.every_steps=10", "trainer.steps=120",
                     "trainer.evaluate_every=2", f"hardware.parallel={kind}"]  # fmt: skip
        whole = folder / kind / "whole"
        wait(trained(whole, overrides, 1))
        for first, second in ((2, 1), (1, 2)):
            results = folder / kind / f"{first} then {second}"
            processes = trained(results, overrides, first)
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                time.sleep(0.02)
                if list(results.glob("runs/*/checkpoints/000*")):
                    break
            kill(processes)
            wait(trained(results, overrides, second))
            (record,) = (json.loads(p.read_text()) for p in results.glob("runs/*/record.json"))
            told[f"{kind}, {first} then {second}"] = {
                "from": [one["step"] for one in record["resumes"]],
                "apart": max(apart(whole, results).values()),
            }
    return told


if __name__ == "__main__":
    torch.set_num_threads(1)
    place, scenario, *rest = sys.argv[1:]
    prepare(compose([*BASE, *CONVNET]))
    scenarios = {"equal": equal, "killed": killed, "moved": moved}
    print(json.dumps(scenarios[scenario](Path(place), *map(int, rest))))
