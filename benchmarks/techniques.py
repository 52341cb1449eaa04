"""What each technique of speed gains: CPU time of a training step without it and with it.

    python benchmarks/techniques.py --seconds 4 --rounds 7

Each technique's switch in `hardware` is off and on in turns, in one process and on one thread, on
a small model of each kind. What is printed are medians over rounds of CPU milliseconds per step,
and the median of the rounds' ratios, with its range. A step is the trainer's: batch, forward,
backward, clipping, optimizer. glibc cannot be told to give memory back again, so that there off and
on are processes in turns. Of compiling, its own cost is told, and after how many steps it has paid.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from statistics import median

import torch
from torch import nn

from suite import Task
from suite.backbones.grid import plain_because, unsafe
from suite.compose import compose
from suite.config import RunConfig
from suite.data.counter import step_seed
from suite.hardware.device import prepare_process
from suite.run import build_model, build_optimizers, build_task
from suite.techniques import of_data
from suite.training.loop import seed_draws
from suite.training.precision import clip_gradient

CPU = torch.device("cpu")
MODELS = {
    "image convnet": ["task=image_recognition", "backbone=convnet"],
    "image resnet": ["task=image_recognition", "backbone=resnet", "backbone.width=16"],
    "text mlp": ["task=text_classification", "backbone=mlp", "backbone.width=64"],
    "text transformer": [
        "task=text_classification", "backbone=transformer", "backbone.width=64", "backbone.depth=2",
    ],
    "speech lstm": ["task=speech_recognition", "backbone=lstm", "backbone.width=64"],
    "speech resnet": ["task=speech_recognition", "backbone=resnet", "backbone.width=16"],
    "text resnet": ["task=text_classification", "backbone=resnet", "backbone.width=16"],
}  # fmt: skip
SPEECH = ["data.voices=24", "data.per_word=1"]
COMMON = ["hardware.threads=1", "hardware.device=cpu", "trainer.batch_size=32", "seed=0"]
SWITCHES = ("channels_last", "fused", "buckets")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--seconds", type=float, default=2.0, help="CPU seconds of a measurement")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", nargs="*", default=(), help="techniques")
    parser.add_argument("--models", nargs="*", default=(), help="names that hold one of these")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.child:
        print(json.dumps(child(arguments)))
        return
    print(f"CPU ms per step, median of {arguments.rounds} rounds, torch {torch.__version__}")
    print(f"{'technique':<14} {'model':<18} {'off':>9} {'on':>9} {'off / on':>9}  note")
    for technique in arguments.only or (*SWITCHES, "keep_memory", "compile"):
        for name in MODELS:
            if not arguments.models or any(part in name for part in arguments.models):
                measure(technique, name, arguments)


def measure(technique: str, name: str, arguments: argparse.Namespace) -> None:
    if technique == "keep_memory":
        rounds = [processes(name, number, arguments) for number in range(arguments.rounds)]
        row(technique, name, rounds)
        return
    prepare_process(configure(name).hardware, CPU)
    if technique == "compile":
        compiling(name, arguments)
        return
    configs = [configure(name, f"hardware.{technique}={on}") for on in ("false", "true")]
    task = build_task(configs[1], CPU)
    if why := without(technique, task, build_model(configs[1], task, CPU)):
        print(f"{technique:<14} {name:<18} {'—':>9} {'—':>9} {'—':>9}  {why}", flush=True)
        return
    off, on = (Steps(config, build_task(config, CPU)) for config in configs)
    row(technique, name, in_turns(off, on, arguments))


def compiling(name: str, arguments: argparse.Namespace) -> None:
    config = configure(name)
    task = build_task(config, CPU)
    off, on = Steps(config, task), Steps(config, task)
    if why := unsafe(on.model):
        print(f"{'compile':<14} {name:<18} {'—':>9} {'—':>9} {'—':>9}  {why}", flush=True)
        return
    on.forward = torch.compile(on.model)
    began = time.process_time(), time.perf_counter()
    on.take(3)
    cpu, wall = time.process_time() - began[0], time.perf_counter() - began[1]
    rounds = in_turns(off, on, arguments)
    saved = median(off for off, _ in rounds) - median(on for _, on in rounds)
    after = f"pays back after {cpu * 1e3 / saved:,.0f} steps" if saved > 0 else "never pays back"
    row("compile", name, rounds, f"{cpu:.0f} s of CPU, {wall:.0f} s to compile, {after}")


def configure(name: str, *more: str) -> RunConfig:
    speech = SPEECH if name.startswith("speech") else []
    return compose([*MODELS[name], *COMMON, *speech, *more])


def without(technique: str, task: Task, model: nn.Module) -> str:
    """Say why a technique has no part in this model's training; empty where it has."""
    if technique == "channels_last":
        return plain_because(model)
    if technique == "buckets":
        note = of_data(task)["buckets"]
        return note if note.startswith("off") else ""
    return ""


class Steps:
    """A training run that takes steps when it is told to."""

    def __init__(self, config: RunConfig, task: Task) -> None:
        self.config, self.task = config, task
        self.model = self.forward = build_model(config, task, CPU).train()
        self.optimizers = build_optimizers(config, self.model)
        self.batches: Iterator = task.train_batches(seed=config.seed)
        self.taken = 0

    def take(self, count: int) -> None:
        for _ in range(count):
            self.taken += 1
            seed_draws(CPU, step_seed(self.config.seed, self.taken))
            loss = self.task.loss(self.forward, next(self.batches))
            (loss.total / loss.count).backward()
            clip_gradient(self.model, self.config.trainer.clip_norm)
            for member in self.optimizers.members:
                member.step()
            self.optimizers.zero_grad()

    def cost(self, count: int) -> float:
        """Return CPU milliseconds of a step."""
        began = time.process_time()
        self.take(count)
        return (time.process_time() - began) / count * 1e3


def in_turns(off: Steps, on: Steps, arguments: argparse.Namespace) -> list[tuple[float, float]]:
    count = steps_within(off.cost, arguments.seconds)
    on.cost(count)
    rounds = []
    for number in range(arguments.rounds):
        # Who comes first changes, so that neither gains from what the other leaves in the caches.
        order = (off, on) if number % 2 else (on, off)
        costs = {steps: steps.cost(count) for steps in order}
        rounds.append((costs[off], costs[on]))
    return rounds


def steps_within(cost: Callable[[int], float], seconds: float) -> int:
    cost(5)
    return max(int(seconds * 1e3 / cost(5)), 5)


def processes(name: str, number: int, arguments: argparse.Namespace) -> tuple[float, float]:
    costs = {}
    for kept in (False, True) if number % 2 else (True, False):
        options = json.dumps({"model": name, "kept": kept})
        command = [
            sys.executable,
            __file__,
            "--seconds",
            str(arguments.seconds),
            "--child",
            options,
        ]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        costs[kept] = float(json.loads(done.stdout.splitlines()[-1]))
    return costs[False], costs[True]


def child(arguments: argparse.Namespace) -> float:
    options = json.loads(arguments.child)
    config = configure(options["model"], f"hardware.keep_memory={str(options['kept']).lower()}")
    prepare_process(config.hardware, CPU)
    steps = Steps(config, build_task(config, CPU))
    return steps.cost(steps_within(steps.cost, arguments.seconds))


def row(technique: str, name: str, rounds: list[tuple[float, float]], note: str = "") -> None:
    off, on = (median(costs) for costs in zip(*rounds, strict=True))
    ratios = sorted(one / other for one, other in rounds)
    span = f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
    print(
        f"{technique:<14} {name:<18} {off:9.2f} {on:9.2f} {median(ratios):9.2f}  "
        f"{span}{f'; {note}' if note else ''}",
        flush=True,
    )


if __name__ == "__main__":
    main()
