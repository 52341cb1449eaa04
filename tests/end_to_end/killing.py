"""Kills a run again and again, resumes it, and compares what it comes to: `python killing.py …`.

A process that has imported everything, and read the data, forks one process for each attempt. Most
are killed by SIGKILL from outside after a random time; some kill themselves where it would hurt
most: while a checkpoint is written, and while the validation split is evaluated.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from suite.compose import compose
from suite.config import RunConfig
from suite.resumption import find
from suite.run import build_task, run
from suite.tracking.journal import ended, read_journal

_CLOCKS = ("throughput/", "hardware/", "time/")
WHERE = ("write", "seal", "rename", "link", "validation", "test")
"""Places where a process kills itself."""


def forked(work: Callable[[], object]) -> int:
    """Start a process that does this and nothing else."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        work()
        code = 0
    finally:
        os._exit(code)


def ended_well(process: int) -> bool:
    """Wait for a process; tell whether it ended by itself."""
    _, status = os.waitpid(process, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return False
    assert os.WEXITSTATUS(status) == 0, "a run failed"
    return True


def deadly(where: str, chance: random.Random) -> None:
    """Have this process kill itself at one of the first few times that it comes to a place."""
    from suite.training import checkpoint, judge

    left = chance.randrange(1, 4)

    def fatal(module: object, name: str, *, halfway: bool = False) -> None:
        original = getattr(module, name)

        def instead(*arguments, **options):
            nonlocal left
            left -= 1
            if left <= 0:
                if halfway:
                    original(*arguments, **options)
                    path = next(Path(a) for a in arguments if isinstance(a, Path))
                    os.truncate(path, path.stat().st_size // 2)
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*arguments, **options)

        setattr(module, name, instead)

    if where == "write":
        fatal(checkpoint.torch, "save", halfway=True)
    elif where in ("seal", "link"):
        fatal(checkpoint, f"_{where}")
    elif where == "rename":
        fatal(checkpoint, "_prove")
    elif where == "validation":
        left = chance.randrange(1, 3)
        fatal(judge, "_best_yet")
    else:
        from suite import run as running

        left = 1
        fatal(running, "calibrate")


def what_came(results: Path) -> dict[str, object]:
    """Return all that two runs of one configuration have in common, of the one in a folder."""
    # A hidden one is the draft of a run that was killed before it began.
    (folder,) = (results / "runs").glob("[!.]*")
    record = json.loads((folder / "record.json").read_text())
    events = []
    for event, _ in read_journal(folder / "journal.jsonl"):
        if event["event"] == "metrics":
            values = {k: v for k, v in event["values"].items() if not k.startswith(_CLOCKS)}
            events.append([event["step"], values])
        elif event["event"] == "artifact":
            events.append(event["path"])
    kept = ("status", "metrics", "best", "steps", "examples", "units", "epochs", "stopped",
            "intervals", "data_card", "config_hash")  # fmt: skip
    weights = {name: (folder / name).read_bytes().hex() for name in
               ("best.safetensors", "model/model.safetensors")}  # fmt: skip
    leftovers = sorted(p.name for p in folder.iterdir())
    return {
        "record": {name: record[name] for name in kept},
        "reached": (record["reached"] or {}).get("step"),
        "events": events,
        "weights": weights,
        "leftovers": leftovers,
        "differing": [one["differing"] for one in record["resumes"] if one["differing"]],
    }


def prepare(config: RunConfig) -> None:
    """Do in this process what each run would do anew: import, read data, measure the machine."""
    import mlflow.models  # noqa: F401

    from suite.hardware.peak import peak_of
    from suite.run import build_model, build_optimizers

    cpu = torch.device("cpu")
    task = build_task(config, cpu)
    task.card()
    task.metrics()
    build_optimizers(config, build_model(config, task, cpu))
    peak_of(cpu, "fp32")


def main(overrides: list[str], kills: int, folder: Path) -> None:
    """Kill runs of a configuration `kills` times; print how many ended as the one that was not."""
    torch.set_num_threads(1)
    config = compose(overrides)
    prepare(config)
    chance = random.Random(0)

    def go(results: Path, where: str = "") -> int:
        def work() -> None:
            config.results = str(results)
            if where:
                deadly(where, chance)
            run(config, unfinished=find(results, config))

        return forked(work)

    began = time.monotonic()
    assert ended_well(go(folder / "whole"))
    seconds = time.monotonic() - began
    whole = what_came(folder / "whole")
    told = {"seconds": seconds, "same": 0, "killed": 0, "resumed": 0, "during_a_write": 0}
    for number in range(kills):
        results = folder / str(number)
        where = WHERE[number] if number < len(WHERE) else ""
        done = killed = False
        while not (done and killed):
            if done:
                # It was over before the kill came: this machine is faster now than at first.
                shutil.rmtree(results)
                seconds *= 0.8
            process = go(results, where)
            if not where:
                time.sleep(chance.uniform(0.0, seconds))
                os.kill(process, signal.SIGKILL)
            done = ended_well(process)
            where = ""
            if not done:
                killed = True
                told["killed"] += 1
                # The kill may come between the run's end and that of its process.
                done = any(ended(folder) for folder in results.glob("runs/*"))
                find(results, config)  # as the next command does
            if not done:
                told["during_a_write"] += bool(list(results.glob("runs/*/checkpoints/.partial*")))
                if chance.random() < 0.7:
                    assert ended_well(go(results))
                    done = True
        came = what_came(results)
        told["resumed"] += len(json.loads(next(results.glob("runs/*/record.json")).read_text())
                               ["resumes"])  # fmt: skip
        same = came == whole
        told["same"] += same
        if not same:
            for name in whole:
                if whole[name] != came[name]:
                    print(number, name, str(whole[name])[:2000], str(came[name])[:2000],
                          file=sys.stderr)  # fmt: skip
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[3:], int(sys.argv[1]), Path(sys.argv[2]))
