"""From a `RunConfig` to a trained model and its record; the one place that builds parts by name."""

import secrets
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from copy import copy, deepcopy
from dataclasses import asdict, fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save_file
from torch import nn

from suite.backbones.grid import lay_out, unsafe
from suite.compose import recompose
from suite.config import (
    AUTO,
    KNOWLEDGE,
    PORTIONS,
    DataStall,
    HandMadeConfig,
    RunConfig,
    at_base_width,
)
from suite.data.cache import atomic_path, cache_folder, sweep_up
from suite.data.skipped import keep_skipped, plain_card
from suite.data.streaming import worker_died
from suite.data.subsets import check_taken
from suite.errors import (
    ConfigError,
    DataError,
    PluginError,
    TrainingError,
    TriathlonError,
    is_disk_full,
    unwritable,
)
from suite.features import Backbone, BackboneBuilder
from suite.hardware.device import choose_device, choose_workers, prepare_process
from suite.hardware.energy import Energy
from suite.hardware.flops import count_flops, count_training_flops
from suite.hardware.machine import (
    Memory,
    describe_git,
    describe_machine,
    describe_versions,
    slow_number,
)
from suite.hardware.meter import Meter
from suite.hardware.peak import peak_of
from suite.hardware.profile import Profile
from suite.hardware.work import Work
from suite.mistakes import keep_mistakes
from suite.plugins import find_target
from suite.record import INTERRUPTED, RunRecord
from suite.resumption import Mark, Unfinished
from suite.resumption import find as find_unfinished
from suite.shallow.search import Found, measure, search
from suite.standing import standings
from suite.stop import Stop
from suite.task import (
    Batch,
    Direction,
    Figure,
    HandMade,
    Known,
    Loss,
    Reference,
    Setup,
    Split,
    Task,
)
from suite.techniques import of_data, of_layout, of_optimizers
from suite.tracking.console import Console
from suite.tracking.journal import GivenUp, Journal, NoJournal, Observer, read_journal
from suite.tracking.model_folder import read_model_folder, save_model_folder
from suite.tracking.sender import Sender
from suite.tracking.store import uri_of
from suite.tracking.sweep_run import current_sweep
from suite.training.checkpoint import Checkpoints, Saved
from suite.training.compiling import compile_model
from suite.training.course import Outcome
from suite.training.determinism import hold
from suite.training.evaluation import calibrate, evaluate
from suite.training.exhausted import exhausted, in_evaluation, memory_ran_out, roomy
from suite.training.loop import Training, Unprofiled, fit, length_in_steps
from suite.training.optimizers import Optimizers
from suite.training.parallel import Alone, Engine, engine_of
from suite.training.pieces import fitting
from suite.training.precision import Precision
from suite.training.schedules import Schedule
from suite.training.snapshots import Snapshots, snapshot_steps
from suite.training.stalls import Stalls, measure_stalls
from suite.training.watchdog import Patience, Watchdog
from suite.training.weights import Best, load_weights, read_weights
from suite.training.width import widen
from suite.world import World, joined

if TYPE_CHECKING:
    from torchmetrics import MetricCollection

_KEPT = "backbone"
"""Folder beside a model's weights for what its backbone is built from again."""


def run(
    config: RunConfig,
    overrides: Sequence[str] = (),
    *,
    begun: Callable[[RunRecord], None] = lambda record: None,
    observers: Sequence[Observer] = (),
    unfinished: Unfinished | None = None,
    go_on: bool = False,
) -> RunRecord:
    """Train, test and record one run; raise a `TriathlonError` where it cannot.

    A run that fails is recorded with its error, then the error goes on. One that a signal stops is
    recorded as interrupted, and `Interrupted` (or the launcher's own exit) goes on. Under torchrun
    one process records, and the others help.

    begun: told of the run before anything of it is written. observers: told of each event; one may
    give the run up. unfinished: a run of this configuration to go on with. go_on: look for one.
    """
    device = choose_device(config.hardware)
    techniques = prepare_process(config.hardware, device)
    memory = Memory(device)
    results = Path(config.results).resolve()
    with joined(device) as world:
        if go_on and unfinished is None:
            unfinished = world.broadcast(find_unfinished(results, config) if world.leads else None)
        record = _record(config, overrides, unfinished)
        record.run_id = world.broadcast(record.run_id)
        record.machine, record.techniques = describe_machine(device), techniques
        record.machine["processes"] = world.size
        begun(record)
        opened = Opened(world, results / "runs" / record.run_id, config, unfinished, observers)
        with opened.stop.listening():
            _run(config, record, opened, device, memory)
    return record


class Opened:
    """What a process has open of a run: those that only help have nothing on the disk.

    sender: what feeds MLflow, once the run has begun.
    """

    def __init__(
        self,
        world: World,
        folder: Path,
        config: RunConfig,
        unfinished: Unfinished | None,
        observers: Sequence[Observer],
    ) -> None:
        self.world, self.unfinished = world, unfinished
        self.stop, self.console = Stop(), Console()
        self.sender: Sender | None = None
        self.mark: Mark | None = None
        self.saved: Saved | None = None
        self.journal: Journal = NoJournal(folder)
        if world.leads:
            watching: tuple[Observer, ...] = (self.console, *observers)
            self.mark, self.journal, self.saved = _open(folder, config, unfinished, watching)
        self.saved = world.broadcast(self.saved)


def _run(
    config: RunConfig, record: RunRecord, opened: Opened, device: torch.device, memory: Memory
) -> None:
    results, journal, world = Path(config.results).resolve(), opened.journal, opened.world
    try:
        task = build_task(config, device)
        shallow = isinstance(config.backbone, HandMadeConfig)
        with world.in_turn():
            model = None if shallow else build_model(config, task, device)
            _describe(record, config, task, model)
        _begin(record, opened)
        opened.sender = _sender(config, results, opened)
        if world.leads and opened.saved is None:  # a run that goes on has told of it
            told = keep_skipped(task.card(), config.data, journal)
            if told:
                print(told, file=sys.stderr)
        if model is None:
            _refuse_helpers(world)
            _fit_shallow(config, record, journal, opened.console, task, memory)
        else:
            _train(config, record, opened, task, model, memory)
        record.status = "finished"
    except GivenUp:
        record.status = record.stopped = "pruned"
    except SystemExit:
        record.status = INTERRUPTED
        raise
    except BaseException as error:
        lost = world.lost(error)
        if lost is not None:
            record.status = INTERRUPTED
            raise lost from error
        explained = _explained(error, journal.folder)
        record.status, record.error = "failed", _one_line(explained)
        raise explained from error
    finally:
        opened.console.close()
        if not journal.started:
            journal.start(record)
            opened.sender = _sender(config, results, opened)
        _close(record, opened)


def _refuse_helpers(world: World) -> None:
    if not world.alone:
        raise ConfigError(
            "torchrun: a model on hand-made features is fitted by one process; leave torchrun out"
        )


def _record(
    config: RunConfig, overrides: Sequence[str], unfinished: Unfinished | None
) -> RunRecord:
    record = new_record(config, overrides)
    if unfinished is None:
        return record
    record.run_id = unfinished.folder.name
    before = unfinished.begun
    if before is not None:
        record.name, record.started, record.sweep = before.name, before.started, before.sweep
        record.resumes, record.overrides = list(before.resumes), list(before.overrides)
    return record


def _open(
    folder: Path, config: RunConfig, unfinished: Unfinished | None, observers: tuple[Observer, ...]
) -> tuple[Mark, Journal, Saved | None]:
    """Take a run's folder for this process, and open what is in it."""
    try:
        if unfinished is None:
            return Mark.of_new(folder, config), Journal(folder, observers), None
        mark = Mark.again(folder, config)
    except OSError as error:
        full = is_disk_full(error)
        raise (_full(folder) if full else unwritable(folder.parent.parent, error)) from error
    try:
        # It is of a run that is over, and this one is not.
        (folder / "record.json").unlink(missing_ok=True)
        sweep_up(folder, spare="tracking.json")
        saved = Checkpoints(folder, config.trainer.checkpoint).latest()
        position = 0 if saved is None else int(saved.state["journal"])
        return mark, Journal(folder, observers, position), saved
    except BaseException:
        mark.leave()
        raise


def _begin(record: RunRecord, opened: Opened) -> None:
    """Write the first event, of a run or of its resumption."""
    journal = opened.journal
    if opened.unfinished is None or not journal.started:
        journal.start(record)
        return
    step = 0 if opened.saved is None else opened.saved.step
    if opened.world.leads:
        print(f"going on with {record.run_id} from step {step}", flush=True)
    now = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    record.resumes.append({"time": now, "step": step, "differing": ""})
    opened.console.record = record.plain()
    journal.resume(step, record)


def _close(record: RunRecord, opened: Opened) -> None:
    """Write how the run ended, or that it is to be gone on with, and have MLflow know."""
    journal, mark = opened.journal, opened.mark
    if mark is None:
        return
    unwritten: Exception | None = None
    if record.resumes:
        record.resumes[-1]["differing"] = journal.differing
        if journal.differing:
            print(f"warning: not resumed exactly: {journal.differing}", file=sys.stderr)
    try:
        if record.status == INTERRUPTED:
            journal.interrupt(record)
            mark.leave()
            print(f"interrupted; `triathlon resume {record.run_id}` goes on", file=sys.stderr)
        else:
            journal.end(record)
            mark.clear(record)
    except (OSError, TrainingError) as error:
        journal.close()
        mark.leave()
        unwritten = error
    warning = opened.sender.close() if opened.sender is not None else None
    if warning:
        print(warning, file=sys.stderr)
    # Of a run that failed, the first error is the one to tell.
    if unwritten is not None and record.status == "finished":
        raise _explained(unwritten, journal.folder) from unwritten


def new_record(config: RunConfig, overrides: Sequence[str] = ()) -> RunRecord:
    """Return the record of a run that is about to start, with what is known of it by then."""
    choices = {k: v or "" for k, v in config.choices.items()}
    chosen: dict[str, Any] = {
        group: choices.get(group, "")
        for group in ("task", "data", "backbone", "loss", "optimizer", "schedule")
    }
    if isinstance(config.backbone, HandMadeConfig):
        chosen |= {"loss": config.backbone.loss, "optimizer": config.backbone.solver}
    started = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    sweep = current_sweep()
    stamp = time.strftime("%Y%m%d-%H%M%S")
    name = f"{chosen['data'] or chosen['task']}-{chosen['backbone']}-{chosen['optimizer']}"
    return RunRecord(
        run_id=f"{stamp}-{name}-{config.seed}-{secrets.token_hex(3)}",
        name=config.name or f"{name}-{config.seed}",
        started=started,
        sweep=sweep.id if sweep is not None else None,
        seed=config.seed,
        overrides=list(overrides),
        config=config.plain(),
        config_hash=config.hash(),
        group_hash=config.hash(seed=False),
        versions=describe_versions(),
        git=describe_git(Path(__file__).parent),
        **chosen,
    )


def build_task(config: RunConfig, device: torch.device) -> Task:
    """Return the task with its data source and loss. Data is not opened yet."""
    return find_task(config)(config.task, build_setup(config, device))


def find_task(config: RunConfig) -> type[Task]:
    """Return the class of the task, or raise a `PluginError`."""
    kind: type[Task] = _named(config.task._target_)
    if not issubclass(kind, Task):
        raise PluginError(f"task._target_={config.task._target_}: is not a suite.Task")
    return kind


def build_setup(config: RunConfig, device: torch.device) -> Setup:
    """Return what the suite hands to the task."""
    return Setup(
        data=_build_source(config.data) if getattr(config.data, "_target_", "") else None,
        loss=_no_loss if config.loss is None else _build(config.loss),
        batch_size=config.trainer.batch_size,
        eval_batch_size=config.trainer.eval_batch_size,
        seed=config.seed,
        device=device,
        cache=cache_folder(config.cache),
        known=_known(config.data),
        workers=choose_workers(config.hardware),
        worker_timeout=config.hardware.worker_timeout or 0.0,
        buckets=config.hardware.buckets,
        **{name: getattr(config.data, name, None) for name in PORTIONS},
    )


def _no_loss(output: Any, batch: Batch) -> Loss:
    raise PluginError("a task with a model on hand-made features has no loss")


def _known(data: Any) -> Known:
    """Return what the data's configuration tells of others' results."""
    if data is None:
        return Known()
    references = tuple(
        Reference(**{f.name: getattr(reference, f.name) for f in fields(reference)})
        for reference in getattr(data, "references", ())
    )
    return Known(
        references=references,
        test_examples=getattr(data, "test_examples", None),
        target=getattr(data, "target", None),
        **{name: getattr(data, name, None) for name in ("licence", "source", "version")},
    )


def build_model(
    config: RunConfig, task: Task, device: torch.device, *, kept: Path | None = None
) -> nn.Module:
    """Return the model with its first weights, which are a function of the seed.

    kept: a folder in which a run's backbone left what it takes to build it again.
    """
    if isinstance(config.backbone, HandMadeConfig):
        name = config.choices.get("backbone")
        raise ConfigError(f"backbone={name}: has no layers, as it is fitted on hand-made features")
    torch.manual_seed(config.seed)
    kind, options = _named(config.backbone._target_), _options(config.backbone)
    if kept is not None:
        options = kind.rebuilt(options, kept)
    backbone = BackboneBuilder(kind, options, config.choices.get("backbone") or "…")
    model = task.build_model(backbone).to(device)
    if getattr(config.optimizer, "base_width", None) is not None:
        base = {**options, **at_base_width(config)}
        _widen(config, task, model, replace(backbone, options=base))
    if config.hardware.channels_last:
        lay_out(model)
    return model


def _widen(config: RunConfig, task: Task, model: nn.Module, base: BackboneBuilder) -> None:
    """Start a model by the width rule. base: builds its backbone at the base width."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)  # at the base width itself nothing changes
        try:
            # By a copy: a task may act with the model that it built last.
            growth = widen(model, copy(task).build_model(base).to(task.setup.device))
        except ValueError as error:
            raise ConfigError(
                f"optimizer.base_width={config.optimizer.base_width}: at that width the model has "
                f"no {error}; set it to null"
            ) from error
    model.growth = growth  # type: ignore[assignment]


def build_optimizers(config: RunConfig, model: nn.Module, *, sharded: bool = False) -> Optimizers:
    """Return the optimizers of a model's weights. sharded: a process has a part of each."""
    # A plugin's function need not know of the switch. Not all fused kernels take parts of weights.
    more: dict[str, Any] = {} if config.hardware.fused and not sharded else {"fused": False}
    if (growth := getattr(model, "growth", None)) is not None:
        more["growth"] = growth
    built: Optimizers = _build(config.optimizer, model, **more)
    return built


def build_schedule(config: RunConfig) -> Schedule:
    """Return the learning rate's schedule."""
    built: Schedule = _build(config.schedule)
    return built


def load_model(folder: Path) -> nn.Module:
    """Return the model that a run left in its `model/` folder, on the CPU, ready to predict."""
    plain, weights = read_model_folder(folder)
    config = recompose(plain)
    return restore_model(config, build_task(config, torch.device("cpu")), folder, weights)


def restore_model(
    config: RunConfig, task: Task, folder: Path, weights: Mapping[str, torch.Tensor]
) -> nn.Module:
    """Return the model with the weights of a `model/` folder, on the task's device."""
    model = build_model(config, task, task.setup.device, kept=folder / _KEPT)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise DataError(f"{folder}: its weights are of another model") from error
    return model.eval()


def _train(
    config: RunConfig,
    record: RunRecord,
    opened: Opened,
    task: Task,
    model: nn.Module,
    memory: Memory,
) -> None:
    device, journal, world = task.setup.device, opened.journal, opened.world
    precision = Precision(config.precision, device)
    slow = slow_number(config.precision.number.value, device)
    if slow:
        print(slow, file=sys.stderr)
    steps, _ = length_in_steps(task, config.trainer)
    opened.console.steps = steps
    best = Best(journal.folder)
    # Before compiling: what is compiled holds for one setting of this.
    micro_batch = config.trainer.micro_batch
    record.techniques["deterministic"] = hold(
        task, model, precision, seed=config.seed, micro_batch=micro_batch
    )
    compiled = compile_model(
        config.hardware.compile,
        task,
        model,
        precision,
        steps=steps,
        accumulate=config.trainer.accumulate,
        seed=config.seed,
        refused=unsafe(model) if device.type == "cpu" else "",
        most=micro_batch if isinstance(micro_batch, int) else None,
    )
    scaled = precision.scaler is not None
    engine = engine_of(
        model, compiled.model, world, config.hardware.parallel, device, scaled=scaled
    )
    meter = _meter(config, task, engine, precision)
    optimizers = build_optimizers(config, model, sharded=engine.sharded)
    record.techniques |= {**of_optimizers(optimizers), "compile": compiled.note}
    if not world.alone:
        record.techniques["parallel"] = engine.note
    profile = None
    if config.trainer.profile:
        trace = journal.folder / "profile" / "trace.json"
        profile = Profile(trace, model, device, steps=steps)
    # One process speaks; where another hangs, it hangs too.
    patience = _patience(config) if world.leads else Patience(batch=None, stall=None, hang=None)
    watchdog = Watchdog(profile or Unprofiled(), patience, journal.folder)
    training = Training(
        task=task,
        model=model,
        engine=engine,
        optimizers=optimizers,
        schedule=build_schedule(config),
        config=config.trainer,
        precision=precision,
        meter=meter,
        emit=journal.metrics,
        best=best,
        seed=config.seed,
        checkpoints=Checkpoints(journal.folder, config.trainer.checkpoint),
        saved=opened.saved,
        snapshots=Snapshots(journal.folder, snapshot_steps(config.trainer.snapshots, steps)),
        stop=opened.stop,
        position=journal.position,
        identity={"the data's fingerprint": record.data_card["fingerprint"]},
        note=watchdog.note,
        profile=watchdog,
    )
    stalls = _stalls(config, training)
    with watchdog.watching():
        outcome = fit(training)
    _note_troubles(record, config, outcome)
    if profile is not None and profile.seconds:
        journal.artifact(profile.trace)
        record.profile = {f"{part}_seconds": s for part, s in profile.seconds.items()}
    engine.put_weights(world.broadcast(read_weights(best.path) if world.leads else {}), best.path)
    with roomy("the evaluation", in_evaluation(config.trainer.eval_batch_size)):
        chosen = calibrate(task, model, precision)
    if chosen:
        journal.metrics(outcome.best_step, {f"validation/{k}": v for k, v in chosen.items()})
        outcome.best.update(chosen)
    with roomy("the test", in_evaluation(config.trainer.eval_batch_size)):
        tested, metrics = evaluate(task, model, Split.TEST, precision, engine=engine)
    if not world.leads:
        return
    if engine.sharded:
        model = build_model(config, task, device)
        load_weights(model, best.path)
    journal.metrics(outcome.best_step, {f"test/{k}": v for k, v in tested.items()})
    _conclude(record, task, outcome, tested, meter)
    if stalls is not None:
        record.throughput |= stalls.shares()
        record.basis["data_stall"] = stalls.basis
    record.memory = memory.peak()
    _stand(record, task, metrics)
    _keep(config, record, journal, task, model, metrics)


def _patience(config: RunConfig) -> Patience:
    trainer = config.trainer
    timeout = config.hardware.worker_timeout
    return Patience(
        batch=None if timeout is None else timeout / 2,
        stall=trainer.stall_seconds,
        hang=trainer.hang_seconds,
    )


def _note_troubles(record: RunRecord, config: RunConfig, outcome: Outcome) -> None:
    """Note in the record what went wrong in a training that went on."""
    if outcome.skipped:
        record.troubles["skipped_steps"] = outcome.skipped
    if outcome.diverged is not None:
        record.troubles["diverged_at_step"] = outcome.diverged
    wanted = config.trainer.micro_batch
    if wanted == AUTO:
        size = outcome.part_size
        told = f"on: {size} examples, memory ran out at step {outcome.part_step}"
        record.techniques["micro_batch"] = "off: batches fit" if size is None else told
    elif wanted is not None:
        record.techniques["micro_batch"] = f"on: {wanted} examples, trainer.micro_batch"


def _stalls(config: RunConfig, training: Training) -> Stalls | None:
    """Measure what data costs, on a copy of the model, where that is asked for."""
    if config.trainer.data_stall is not DataStall.differential:
        return None
    copy = deepcopy(training.model)
    optimizers = build_optimizers(config, copy)
    return measure_stalls(replace(training, model=copy, optimizers=optimizers, engine=Alone(copy)))


def _meter(config: RunConfig, task: Task, engine: Engine, precision: Precision) -> Meter:
    def count(batch: Batch) -> int:
        with precision.autocast():
            counts = fitting(
                lambda part: count_training_flops(task, engine.model, part),
                batch,
                config.trainer.micro_batch,
            )
        return sum(counts)

    device = task.setup.device
    return Meter(
        device,
        # To count takes a pass, and that of a model whose weights are shared out takes all.
        work=None if engine.sharded else Work(count),
        peak=peak_of(device, precision.products),
        energy=Energy.of(device, config.hardware.watts),
        processes=engine.world.size,
    )


def _fit_shallow(
    config: RunConfig,
    record: RunRecord,
    journal: Journal,
    console: Console,
    task: Task,
    memory: Memory,
) -> None:
    """Fit a model on hand-made features: what `_train` does for a network."""
    backbone = config.backbone
    svm = _named(backbone._target_)(backbone, seed=config.seed)
    console.steps = len(backbone.values_of_C())
    meter = Meter(task.setup.device)
    made = task.hand_made(backbone)
    record.hand_made = {"features": made.kind, "feature_seconds": meter.wall_seconds}
    found = search(task, svm, backbone.values_of_C(), made, meter, journal.metrics)
    tested, metrics = measure(task, found.machine, made, Split.TEST)
    journal.metrics(found.best_step, {f"test/{k}": v for k, v in tested.items()})
    _conclude_shallow(record, found, made, tested, meter)
    record.memory = memory.peak()
    _stand(record, task, metrics)
    _keep_pictures(config, record, journal, task, metrics)
    tensors = found.machine.tensors()
    if config.tracking.log_model and tensors is not None:
        path = journal.folder / "linear.safetensors"
        save_file(tensors, path, {"features": made.kind, "C": str(found.C)})
        journal.artifact(path)


def _conclude_shallow(
    record: RunRecord,
    found: Found,
    made: HandMade,
    tested: Mapping[str, float],
    meter: Meter,
) -> None:
    record.metrics = {
        **{f"validation/{k}": v for k, v in found.best.items()},
        **{f"test/{k}": v for k, v in tested.items()},
    }
    record.best = {"step": found.best_step}
    record.reached, record.stopped = found.reached, found.stopped
    record.steps, record.examples = found.steps, found.steps * found.examples
    record.training_seconds, record.wall_seconds = meter.training_seconds, meter.wall_seconds
    record.throughput = {"examples_per_second": record.examples / meter.training_seconds}
    parameters = float(found.machine.parameters)
    record.model = {"parameters": parameters, "trained_parameters": parameters}
    record.hand_made |= {
        "features_per_example": int(made.values[Split.TRAIN].shape[1]),
        "fitted_on": found.examples,
        "C": found.C,
    }


def _describe(record: RunRecord, config: RunConfig, task: Task, model: nn.Module | None) -> None:
    """Fill in what is known once data and model exist."""
    card = task.card()
    check_taken(task.setup, card, getattr(task, "classes", None))
    record.data_card = plain_card(card)
    record.unit, record.primary = task.unit, task.primary
    record.direction = task.target.direction.value
    record.target = {"metric": task.target.metric, "threshold": task.target.threshold,
                     "direction": task.target.direction.value}  # fmt: skip
    record.references = [{**asdict(r), "kind": r.kind.value} for r in task.references]
    if model is None:
        return
    record.techniques |= {**of_data(task), **of_layout(config.hardware, model)}
    example = task.example_batch()
    record.model = {
        "parameters": float(sum(p.numel() for p in model.parameters())),
        "trained_parameters": float(sum(p.numel() for p in model.parameters() if p.requires_grad)),
        "forward_flops_per_example": count_flops(model, example) / example.examples,
    }


def _conclude(
    record: RunRecord,
    task: Task,
    outcome: Outcome,
    tested: Mapping[str, float],
    meter: Meter,
) -> None:
    per_epoch = task.batches_per_epoch()
    accumulate = record.config["trainer"]["accumulate"]
    record.metrics = {
        **{f"validation/{k}": v for k, v in outcome.best.items()},
        **{f"test/{k}": v for k, v in tested.items()},
    }
    record.best = {"step": outcome.best_step}
    record.reached, record.stopped = outcome.reached, outcome.stopped
    record.steps, record.examples, record.units = outcome.steps, outcome.examples, outcome.units
    record.epochs = outcome.steps * accumulate / per_epoch if per_epoch else 0.0
    record.training_seconds, record.wall_seconds = meter.training_seconds, meter.wall_seconds
    record.throughput, record.basis = meter.summary(), meter.basis()
    flops = record.basis.pop("training_flops_per_example", None)
    if flops is not None:
        record.model["training_flops_per_example"] = flops
    if meter.joules is not None:
        record.energy = {
            "joules": meter.joules,
            "joules_per_example": meter.joules / outcome.examples,
        }


def _stand(record: RunRecord, task: Task, metrics: "MetricCollection") -> None:
    """Fill in how sure the test metrics are, and how they stand to what others reached."""
    record.intervals = {
        f"test/{name}": (interval.low, interval.high, interval.method)
        for name, interval in task.intervals(metrics).items()
    }
    better = {name: metric.higher_is_better for name, metric in metrics.items()}
    record.directions = {
        name: (Direction.MAXIMIZE if higher else Direction.MINIMIZE).value
        for name, higher in better.items()
        if higher is not None
    }
    record.directions[task.target.metric] = task.target.direction.value
    record.standings = [standing.plain() for standing in standings(record)]


def _keep(
    config: RunConfig,
    record: RunRecord,
    journal: Journal,
    task: Task,
    model: nn.Module,
    metrics: "MetricCollection",
) -> None:
    """Keep pictures and the model with the run."""
    _keep_pictures(config, record, journal, task, metrics)
    if config.tracking.log_model:
        folder = journal.folder / "model"
        save_model_folder(folder, model, task.example_batch(), config=record.config)
        backbone = getattr(model, "backbone", None)
        if isinstance(backbone, Backbone):
            backbone.keep(folder / _KEPT)
        journal.artifact(folder)


def _keep_pictures(
    config: RunConfig, record: RunRecord, journal: Journal, task: Task, metrics: "MetricCollection"
) -> None:
    """Keep the run's summary in the journal, and its pictures."""
    summary = {f"throughput/{k}": v for k, v in record.throughput.items() if "steps" not in k}
    for group in (record.memory, record.energy):
        summary |= {f"hardware/{k}": v for k, v in group.items()}
    journal.metrics(record.steps, summary)
    if config.tracking.figures:
        # Matplotlib would keep the first step waiting.
        from suite.report.curves import curves_png

        curves = curves_png(event for event, _ in read_journal(journal.path))
        for figure in (*task.figures(metrics), Figure("curves", curves)):
            path = journal.folder / "figures" / f"{figure.name}{figure.suffix}"
            with atomic_path(path) as temporary:
                temporary.write_bytes(figure.content)
            journal.artifact(path)
        kept = keep_mistakes(task.mistakes(metrics), journal.folder)
        if kept is not None:
            journal.artifact(kept)


def _sender(config: RunConfig, results: Path, opened: Opened) -> Sender | None:
    folder = opened.journal.folder
    if not config.tracking.enabled or not opened.world.leads:
        return None
    sweep = current_sweep()
    experiment = config.tracking.experiment or config.choices.get("task") or "triathlon"
    if sweep is not None:
        experiment = sweep.experiment
    uri = uri_of(results, config.tracking.uri)
    sender = Sender(folder, results=results, uri=uri, experiment=experiment)
    sender.start()
    return sender


def _explained(error: BaseException, folder: Path) -> BaseException:
    if is_disk_full(error):
        _let_go(error)
        return _full(folder)
    if memory_ran_out(error):
        lower = "lower trainer.batch_size or trainer.eval_batch_size, or use a smaller backbone"
        return exhausted(error, "the run", advice=lower)
    return worker_died(error) or error


def _let_go(error: BaseException | None) -> None:
    """Close what a failed write left open: a deleted file takes its room until then."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def _full(folder: Path) -> TrainingError:
    fix = "free some or set results=…"
    if (folder / "config.yaml").exists():
        fix = f"free some, then `triathlon resume {folder.name}` goes on from the last checkpoint"
    return TrainingError(f"results={folder.parent.parent}: the disk is full; {fix}")


def _one_line(error: BaseException) -> str:
    if isinstance(error, TriathlonError):
        return str(error)
    last = traceback.format_exception_only(error)[-1].strip()
    return last.splitlines()[0]


def _build(node: Any, *arguments: Any, **more: Any) -> Any:
    """Call what a configuration node names with its options, and more."""
    # What is called with the model is an optimizer.
    kind = _named(node._target_, function=bool(arguments))
    return kind(*arguments, **_options(node), **more)


def _build_source(node: Any) -> Any:
    own = (*KNOWLEDGE, *PORTIONS, "kind")
    options = {k: v for k, v in _options(node).items() if k not in own}
    return _named(node._target_)(**options)


_OWN = ("_target_", "base_width")
"""Keys that the suite itself heeds, not what it builds."""


def _options(node: Any) -> dict[str, Any]:
    plain = vars(node)
    names = [f.name for f in fields(node)] if is_dataclass(node) else plain
    return {name: plain[name] for name in names if name not in _OWN}


def _named(target: str, *, function: bool = False) -> Any:
    return find_target(target, function=function)
