"""Opens a finished run to look into it: its task, its model with the best weights, and controls."""

import atexit
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from suite.classification import DataSetTask
from suite.config import HandMadeConfig, RunConfig
from suite.errors import DataError
from suite.features import Backbone
from suite.hardware.device import choose_device, prepare_process
from suite.insight.subject import Subject
from suite.resumption import begun_of, configured, folder_of
from suite.run import build_model, build_task
from suite.task import Task
from suite.tracking.journal import ended
from suite.tracking.model_folder import read_model_folder
from suite.training.snapshots import snapshots_of
from suite.training.weights import put_back, read_weights


def open_run(results: Path, name: str) -> Subject:
    """Return a finished run as a subject; raise where it has no network or is not finished.

    name: as for `triathlon replay`. Its device is the one of its configuration.
    """
    folder = folder_of(results, name)
    record = ended(folder)
    if record is None or record.status != "finished":
        status = "has not ended" if record is None else f"has {record.status}"
        raise DataError(f"{folder.name}: {status}; only a finished run can be looked into")
    config = configured(folder, begun_of(folder))
    if isinstance(config.backbone, HandMadeConfig):
        raise DataError(
            f"{folder.name}: its model is fitted on hand-made features and has no layers; name a "
            "run of a network"
        )
    device = choose_device(config.hardware)
    prepare_process(config.hardware, device)
    task = build_task(config, device)
    if not isinstance(task, DataSetTask):
        raise DataError(f"{folder.name}: its task has no data set to take examples from")
    return _subject(folder, config, task, device)


def _subject(folder: Path, config: RunConfig, task: DataSetTask, device: torch.device) -> Subject:
    kept = _kept(folder, config, task, device)

    def fresh(seed: int) -> nn.Module:
        seeded = replace(config, seed=seed)
        return build_model(seeded, task, device, kept=kept).eval()

    def started() -> nn.Module:
        return build_model(config, task, device).eval()

    model = fresh(config.seed)
    put_back(model, *_weights(folder))
    return Subject(
        name=folder.name,
        folder=folder,
        task=task,
        model=model,
        fresh=fresh,
        started=started,
        snapshots=snapshots_of(folder),
        config=config.plain(),
        seed=config.seed,
    )


def _weights(folder: Path) -> tuple[dict[str, torch.Tensor], Path]:
    """Return the best weights and where they are from; raise where the run has kept none."""
    best, model = folder / "best.safetensors", folder / "model"
    if best.is_file():
        return read_weights(best), best
    if model.is_dir():
        return read_model_folder(model)[1], model
    raise DataError(
        f"{folder.name}: has kept no weights (best.safetensors, or model/ with "
        "tracking.log_model=true); train it again"
    )


def _kept(folder: Path, config: RunConfig, task: Task, device: torch.device) -> Path:
    """Return a folder that the backbone is built again from, without pretrained weights.

    A run that kept no model has none: then what its backbone would have kept is written for now.
    """
    kept = folder / "model" / "backbone"
    if kept.is_dir():
        return kept
    scratch = Path(tempfile.mkdtemp(prefix="triathlon-"))
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    backbone = getattr(build_model(config, task, device), "backbone", None)
    if isinstance(backbone, Backbone):
        backbone.keep(scratch)
    return scratch
