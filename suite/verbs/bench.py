"""`triathlon bench task=… backbone=…`: how fast a model answers."""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from suite.config import HandMadeConfig, RunConfig
from suite.errors import ConfigError, DataError, unwritable
from suite.inference.plan import Plan

if TYPE_CHECKING:
    from torch import nn

    from suite.inference.record import BenchRecord
    from suite.task import Task

_MODEL = "model"
_PICTURE, _NUMBERS = "latency_throughput.png", "bench.json"


def main(arguments: list[str]) -> int:
    """Measure latency and throughput of inference, without training, and draw them."""
    chosen = _parser().parse_intermixed_args(arguments)
    plan = Plan.parse(
        forms=chosen.forms,
        batch_sizes=chosen.batch_sizes,
        threads=chosen.threads,
        seconds=chosen.seconds,
    )
    config = _config(chosen.overrides, chosen.run, chosen.config_dir)
    if isinstance(config.backbone, HandMadeConfig):
        raise ConfigError(
            f"backbone={config.choices.get('backbone')}: is fitted on hand-made features, there is "
            "no network to measure; choose another backbone"
        )
    record, files = _measure(config, plan, chosen)
    _track(config, record, files)
    return 0 if record.measured else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("triathlon bench", description=main.__doc__)
    parser.add_argument("overrides", nargs="*", help="as for a run: task=… backbone=…")
    parser.add_argument("--batch-sizes", help="examples in a call (default: 1,8,64)")
    parser.add_argument("--threads", help="threads of an operation (default: 1 and all cores)")
    parser.add_argument(
        "--forms", help="eager, compiled, exported, onnx (default: all but the last)"
    )
    parser.add_argument(
        "--seconds", help="to time calls for, for each line of the table (default: 1)"
    )
    parser.add_argument("--run", type=Path, help="measure the model of this run's folder")
    parser.add_argument("--to", type=Path, help="folder to write to (default: in results/bench)")
    parser.add_argument(
        "--config-dir", type=Path, help="a folder of your own with data/NAME.yaml and the like"
    )
    return parser


def _config(overrides: list[str], run: Path | None, folder: Path | None) -> RunConfig:
    from suite.compose import compose, recompose

    if run is None:
        return compose(overrides, folder=folder)
    if overrides:
        raise ConfigError(
            f"--run {run}: has its own configuration; leave out {' '.join(overrides)}"
        )
    path = run / _MODEL / "config.json"
    if not path.exists():
        raise DataError(f"--run {run}: holds no model; give the folder of a finished run")
    return recompose(json.loads(path.read_text()))


def _measure(
    config: RunConfig, plan: Plan, chosen: argparse.Namespace
) -> "tuple[BenchRecord, list[Path]]":
    """Measure, write the files and print the table; return what was written too."""
    from suite.hardware.device import choose_device, prepare_process
    from suite.hardware.machine import describe_machine, usable_cores
    from suite.inference.batches import batch_of
    from suite.inference.bench import bench
    from suite.inference.record import new_record
    from suite.inference.table import show
    from suite.run import build_task
    from suite.training.precision import Precision

    device = choose_device(config.hardware)
    prepare_process(config.hardware, device)
    machine = describe_machine(device)
    threads = plan.threads_on(
        usable_cores(), fixed=config.hardware.threads, accelerator=device.type != "cpu"
    )
    precision = Precision(config.precision, device)
    task = build_task(config, device)
    model, weights = _model(config, task, chosen.run)
    batches = {size: batch_of(task, size) for size in plan.batch_sizes}
    record = new_record(
        config, task, model, batches, plan, threads,
        overrides=chosen.overrides, weights=weights, machine=machine,
    )  # fmt: skip
    folder = _folder(config, record.name, chosen.to)
    for result in bench(model, batches, plan, threads=threads, precision=precision, tell=_tell):
        record.results.append(result)
    _tell("")
    files = [folder / _NUMBERS]
    record.write(files[0])
    if record.measured:
        from suite.inference.picture import latency_throughput_png

        files.append(folder / _PICTURE)
        files[1].write_bytes(latency_throughput_png(record))
    show(record)
    print(*files, sep="\n")
    return record, files


def _tell(doing: str) -> None:
    """Say on a terminal what is going on; a spinner's thread would disturb what is timed."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{doing}", end="", file=sys.stderr, flush=True)


def _model(config: RunConfig, task: "Task", run: Path | None) -> "tuple[nn.Module, str]":
    """Return the model, and in words where its weights are from."""
    from suite.run import build_model, restore_model
    from suite.tracking.model_folder import read_model_folder

    if run is None:
        model = build_model(config, task, task.setup.device)
        return model, f"as drawn from seed {config.seed}, not trained; speed does not depend on it"
    folder = run / _MODEL
    _, weights = read_model_folder(folder)
    return restore_model(config, task, folder, weights), f"those of {run.resolve().name}"


def _folder(config: RunConfig, name: str, given: Path | None) -> Path:
    """Return the folder to write to; made before anything is measured, which takes a while."""
    results = Path(config.results).resolve()
    folder = given.resolve() if given is not None else results / "bench" / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        if given is None:
            raise unwritable(results, error) from error
        raise ConfigError(
            f"--to {given}: cannot be written ({error.strerror}); give a folder that can"
        ) from error
    return folder


def _track(config: RunConfig, record: "BenchRecord", files: list[Path]) -> None:
    """Send it all to MLflow, which is imported once nothing is timed any more."""
    if not config.tracking.enabled:
        return
    from suite.inference.tracker import send
    from suite.tracking.store import uri_of

    results = Path(config.results).resolve()
    warning = send(
        record,
        files,
        results=results,
        uri=uri_of(results, config.tracking.uri),
        experiment=config.tracking.experiment,
    )
    if warning:
        print(warning, file=sys.stderr)
