"""The parts of the comparison: each measures and returns a part of the page.

Legend of the figures: medians of the rounds, lowest and highest in brackets.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from benchmarks.peers.cold import SCRIPTS
from benchmarks.peers.contenders import CONTENDERS
from benchmarks.peers.speed import Speed, Spread, Workers, length, race
from benchmarks.peers.tracking import WAYS
from benchmarks.peers.tracking import WORKLOAD as TRACKED
from benchmarks.peers.workloads import CPU, EMPTY, MODELS, Workload
from suite import Split
from suite.hardware.flops import count_training_flops
from suite.hardware.peak import peak_of
from suite.tracking import store

EMPTY_STEPS = 1500
TRACKED_STEPS = 325
GROWN = 10
UTILISED = ("image/small", "text/medium", "speech/small")


@dataclass(frozen=True)
class Part:
    """A part of the page. figures: all that was measured, for machines."""

    title: str
    text: str
    table: Sequence[Sequence[str]]
    figures: Mapping[str, Any] = field(default_factory=dict)


def plain(folder: Path, rounds: int) -> Part:
    speeds = _race_all("plain", folder, rounds)
    text = (
        "Each as its users write it, with its defaults: peers with a `DataLoader` over a data set "
        "that prepares example by example, padded to the longest of a batch, the suite with what "
        "`triathlon` does. The bare loop cuts batches from tensors in memory. The suite has a "
        "seed whose measured batches are as long as those of an epoch, on average."
    )
    return Part("As its users write it", text, _throughput(speeds), _plain(speeds))


def same(folder: Path, rounds: int) -> Part:
    speeds = _race_all("same", folder, rounds)
    text = (
        "The same for everybody: the suite's batches and buckets, its features and layouts, the "
        "fused optimizer and the memory allocator's settings. What is left is the trainer."
    )
    return Part("Same techniques", text, _throughput(speeds), _plain(speeds))


def empty(folder: Path, rounds: int) -> Part:
    workers = Workers("same", folder)
    speeds = race(workers, EMPTY, rounds, EMPTY_STEPS)
    workers.close()
    bare = speeds["bare loop"].rounds
    rows = [["trainer", "CPU ms a step", "over the bare loop", "ratio"]]
    for name, speed in speeds.items():
        pairs = list(zip(speed.rounds, bare, strict=True))
        key = "cpu_seconds_per_step"
        over = Spread.of([1e3 * (one[key] - floor[key]) for one, floor in pairs])
        ratio = Spread.of([one[key] / floor[key] for one, floor in pairs])
        rows.append([name, _ms(speed.cpu_ms), _ms(over), _times(ratio)])
    text = (
        "The empty model is ten numbers: what a step costs is what surrounds the model. All have "
        "the suite's batches; its meter and journal are on, others note the loss every fifth step."
    )
    return Part("What the trainer costs", text, rows, {EMPTY: _plain_speeds(speeds)})


def tracked(folder: Path, rounds: int) -> Part:
    seen: dict[str, list[Mapping[str, float]]] = {name: [] for name in WAYS}
    for _ in range(rounds):
        for name in WAYS:
            with tempfile.TemporaryDirectory() as results:
                store.prepare(Path(results), store.default_uri(Path(results)), "benchmark")
                seen[name].append(_script("tracking", name, results, str(TRACKED_STEPS)))
    bare = next(iter(seen.values()))
    rows = [["trainer", "CPU ms a step", "ratio", "CPU ms in other processes", "wall ratio"]]
    for name, figures in seen.items():
        pairs = list(zip(figures, bare, strict=True))
        rows.append(
            [
                name,
                _ms(Spread.of([1e3 * one["cpu_seconds_per_step"] for one in figures])),
                *(
                    _times(Spread.of([one[key] / floor[key] for one, floor in pairs]))
                    for key in ("cpu_seconds_per_step",)
                ),
                f"{median(1e3 * one['other_cpu_seconds_per_step'] for one in figures):.2f}",
                _times(
                    Spread.of(
                        [
                            one["wall_seconds_per_step"] / floor["wall_seconds_per_step"]
                            for one, floor in pairs
                        ]
                    )
                ),
            ]
        )
    text = (
        f"`{TRACKED}` with the loss sent to MLflow (sqlite) at every step, same techniques. The "
        "suite writes its journal, and a process of the lowest priority sends it."
    )
    return Part("A metric to MLflow at every step", text, rows, seen)


def cold(folder: Path, rounds: int) -> Part:
    data = folder / "texts.npz"
    columns: Any = Workload(TRACKED, folder, 1).task.data.splits[Split.TRAIN].columns
    tokens_BT, _ = columns["tokens_BT"].take(torch.arange(len(columns["label_B"])))
    np.savez(data, tokens=tokens_BT.numpy(), labels=columns["label_B"].numpy())
    seen: dict[str, list[Mapping[str, float]]] = {name: [] for name in SCRIPTS}
    for _ in range(rounds):
        for name in SCRIPTS:
            with tempfile.TemporaryDirectory() as results:
                seen[name].append(_script("cold", name, str(data), results))
    floor = median(one["cpu_seconds"] for one in seen["bare loop"])
    rows = [["trainer", "CPU s to the first step", "of the bare script", "wall s", "peak MiB"]]
    for name, figures in seen.items():
        cpu, wall, peak = (
            Spread.of([one[key] for one in figures])
            for key in ("cpu_seconds", "wall_seconds", "peak_mib")
        )
        rows.append(
            [name, _seconds(cpu), f"{cpu.median / floor:.2f}", _seconds(wall), f"{peak.median:.0f}"]
        )
    text = (
        "From the start of a process to the end of its first step, on a tiny text model. Peers "
        "read a file of tokens; the suite composes its configuration, reads texts and cuts them, "
        "counts FLOPs, measures the machine's peak and writes a journal."
    )
    return Part("Cold start and memory", text, rows, seen)


def jobs(folder: Path, rounds: int) -> Part:
    rows = [["task", "with pictures", "without"]]
    seen = {}
    for task in ("image_recognition", "text_classification", "speech_recognition"):
        with tempfile.TemporaryDirectory() as results:
            seen[task] = _script("jobs", task, results)
        spreads = [Spread.of(seen[task][key]) for key in ("pictures", "no pictures")]
        rows.append([task, *(_seconds(spread) for spread in spreads)])
    text = (
        "CPU seconds of a further job of a sweep in one process, beyond training and evaluation: "
        "Hydra, data, model, counting, record, model folder."
    )
    return Part("A further job of a sweep", text, rows, seen)


def grown(folder: Path, rounds: int) -> Part:
    name = "triathlon"
    workers = Workers("same", folder, [name])
    rows = [["model", "examples/s", f"with {GROWN} times the data", "ratio", "MiB more"]]
    seen = {}
    for workload in ("image/small", "text/tiny", "speech/tiny"):
        steps = length(workers, name, workload)
        pairs = []
        for _ in range(rounds + 1):
            pairs.append([workers.ask(name, workload, steps, times) for times in (1, GROWN)])
        pairs, seen[workload] = pairs[1:], pairs
        rates = [
            Spread.of([pair[k]["examples_per_step"] / pair[k]["cpu_seconds_per_step"] for pair in
                       pairs]) for k in (0, 1)
        ]  # fmt: skip
        ratio = Spread.of(
            [pair[0]["cpu_seconds_per_step"] / pair[1]["cpu_seconds_per_step"] for pair in pairs]
        )
        more = pairs[-1][1]["resident_mib"] - seen[workload][0][0]["resident_mib"]
        rows.append([workload, *(_rate(rate) for rate in rates), _times(ratio), f"{more:.0f}"])
    workers.close()
    text = "Examples of a CPU second as the training split grows, in memory."
    return Part("Ten times the data", text, rows, seen)


def utilisation(folder: Path, speeds: Mapping[str, Mapping[str, Speed]]) -> Part:
    """Model FLOPs of a second over the peak, from what `same` has measured."""
    torch.set_num_threads(1)
    peak = peak_of(CPU, "fp32")
    rows = [["model", "GFLOPs a step", *CONTENDERS]]
    figures: dict[str, Any] = {"peak": peak.flops_per_second, "basis": peak.basis}
    for workload in MODELS:
        work = Workload(workload, folder, 1)
        model = work.model()
        batches = [b for _, b in zip(range(24), work.task.train_batches(seed=0), strict=False)]
        flops = float(np.mean([count_training_flops(work.task, model, b) for b in batches]))
        shares = {
            name: flops / speed.cpu_ms.median * 1e3 / peak.flops_per_second
            for name, speed in speeds[workload].items()
        }
        figures[workload] = {"flops_per_step": flops, "mfu": shares}
        rows.append([workload, f"{flops / 1e9:.2f}", *(f"{s:.0%}" for s in shares.values())])
    text = (
        f"Share of the peak of one thread, {peak.flops_per_second / 1e9:.0f} GFLOP/s "
        f"({peak.basis}, measured in this run), same techniques. FLOPs are those of the model "
        "forward and backward; Fourier transforms, normalisations and the optimizer count for "
        "nothing."
    )
    return Part("Model FLOPs utilisation", text, rows, figures)


def _race_all(form: str, folder: Path, rounds: int) -> dict[str, dict[str, Speed]]:
    workers = Workers(form, folder)
    speeds = {}
    for workload in MODELS:
        speeds[workload] = race(workers, workload, rounds)
        print(
            form,
            workload,
            {n: f"{s.cpu_ms.median:.2f}" for n, s in speeds[workload].items()},
            flush=True,
        )
    workers.close()
    return speeds


def _throughput(speeds: Mapping[str, Mapping[str, Speed]]) -> list[list[str]]:
    """Examples of a CPU second; in brackets the suite's rate over that of the peer."""
    rows = [["model", *CONTENDERS]]
    for workload, contenders in speeds.items():
        ours = contenders["triathlon"].per_cpu_second.median
        cells = []
        for name, speed in contenders.items():
            rate = speed.per_cpu_second
            ratio = "" if name == "triathlon" else f" · {ours / rate.median:.2f}×"
            cells.append(f"{_rate(rate)}{ratio}")
        rows.append([workload, *cells])
    return rows


def _script(module: str, *arguments: str) -> Any:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", f"benchmarks.peers.{module}", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode or not done.stdout:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _plain(speeds: Mapping[str, Mapping[str, Speed]]) -> dict[str, Any]:
    return {workload: _plain_speeds(each) for workload, each in speeds.items()}


def _plain_speeds(speeds: Mapping[str, Speed]) -> dict[str, Any]:
    return {name: list(speed.rounds) for name, speed in speeds.items()}


def _rate(spread: Spread) -> str:
    return _spread(spread, lambda value: f"{value:,.0f}")


def _ms(spread: Spread) -> str:
    return _spread(spread, lambda value: f"{value:.3f}")


def _seconds(spread: Spread) -> str:
    return _spread(spread, lambda value: f"{value:.2f}")


def _times(spread: Spread) -> str:
    return _spread(spread, lambda value: f"{value:.2f}")


def _spread(spread: Spread, show: Callable[[float], str]) -> str:
    return f"{show(spread.median)} ({show(spread.lowest)}–{show(spread.highest)})"
