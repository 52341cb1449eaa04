"""Every backbone that can be chosen makes a step on the task, or is refused in a line."""

import math
from dataclasses import replace
from functools import cache
from typing import Any

from suite.catalogue import options
from suite.checking.check import Broken, Check
from suite.checking.naming import few_of
from suite.checking.place import raised_at
from suite.checking.small import SMALL
from suite.checking.subject import CPU, FITTED, Subject
from suite.compose import compose
from suite.config import HandMadeConfig
from suite.errors import ConfigError, DataError, one_line
from suite.plugins import find
from suite.run import build_model
from suite.task import Task


def _look(subject: Subject) -> str:
    ran, refused = [], {}
    task = subject.bare()
    for name in _names():
        config = _backbone(name)
        if isinstance(config, HandMadeConfig):
            continue
        try:
            _step(subject, task, name, config)
        except (ConfigError, DataError) as error:
            refused[name] = one_line(str(error))
        except Broken:
            raise
        except Exception as error:
            where = raised_at(error, subject.kind)
            raise Broken(
                f"backbone={name}: {type(error).__name__}: {one_line(str(error))}"
                + (f", in {where}" if where else ""),
                at="build_model",
                mend="offer the form that the backbone takes (BackboneBuilder.choose), or raise a "
                "ConfigError that says why it cannot be",
            ) from error
        else:
            ran.append(name)
    if not ran:
        raise Broken(
            f"no backbone runs: {'; '.join(refused.values())}",
            at="build_model",
            mend="offer a sequence or a grid: the suite's own backbones take one of them",
        )
    told = f"{len(ran)} run ({', '.join(ran)})"
    return f"{told}; refused: {', '.join(refused)}" if refused else told


def _names() -> list[str]:
    known = options("backbone", find())
    return [*(name for name in SMALL if name in known), *(known.keys() - SMALL.keys())]


@cache
def _backbone(name: str) -> Any:
    """Return the configuration of a small model; of a backbone that is not known, as it is."""
    return compose([f"backbone={name}", *SMALL.get(name, ())]).backbone


def _step(subject: Subject, task: Task, name: str, backbone: Any) -> None:
    choices = {**subject.config.choices, "backbone": name}
    config = replace(subject.config, backbone=backbone, choices=choices)
    model = build_model(config, task, CPU).train()
    batch = next(iter(task.train_batches(seed=0)))
    loss = task.loss(model, few_of(batch, FITTED))
    loss.total.backward()
    moved = any(p.grad is not None and bool(p.grad.any()) for p in model.parameters())
    if not math.isfinite(float(loss.total.detach())) or not moved:
        raise Broken(
            f"backbone={name}: the loss is {float(loss.total.detach())}, "
            f"{'with' if moved else 'without'} a gradient",
            at="build_model",
            mend="see what the stem gives it",
        )


BACKBONES = Check(
    name="backbones",
    looks_for="a small model of every backbone makes a step, or is refused in a line",
    look=_look,
    needs=("opens", "loss"),
    trains=True,
)
