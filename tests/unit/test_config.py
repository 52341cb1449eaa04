import inspect
import json
import re
import subprocess
import sys
from dataclasses import fields, is_dataclass

import pytest
from omegaconf import OmegaConf

from suite import ConfigError, config
from suite.compose import _compose, compose, recompose
from suite.config import SCHEMAS, RunConfig, parse
from suite.plugins import find

WRONG = [
    (config.MLPConfig, {"width": 0}, "backbone.width=0: must be above 0"),
    (config.MLPConfig, {"depth": -1}, "backbone.depth=-1: must be above 0"),
    (config.MLPConfig, {"dropout": 1.0}, "backbone.dropout=1.0: must be at least 0 and below 1"),
    (config.MLPConfig, {"dropout": float("nan")}, "backbone.dropout=nan: must be at least 0"),
    (config.MLPConfig, {"context": 4}, "backbone.context=4: must be odd and above 0"),
    (config.MLPConfig, {"context": -1}, "backbone.context=-1: must be odd"),
    (config.ResNetConfig, {"stages": 0}, "backbone.stages=0: must be above 0"),
    (config.LSTMConfig, {"width": 7}, "backbone.width=7: must be even"),
    (config.TransformerConfig, {"width": 20}, "backbone.width=20: must be a multiple of .*[(]8[)]"),
    (config.TransformerConfig, {"heads": 0}, "backbone.heads=0: must be above 0"),
    (config.TransformerConfig, {"expansion": 0}, "backbone.expansion=0: must be above 0"),
    (config.SVMConfig, {"C": 0.0}, "backbone.C=0.0: must be above 0"),
    (config.SVMConfig, {"grid": []}, r"backbone.grid=\[\]: must be numbers above 0"),
    (config.SVMConfig, {"grid": [1.0, 0.1]}, "backbone.grid=.*larger than the one before"),
    (config.SVMConfig, {"grid": [0.0, 0.1]}, "backbone.grid=.*numbers above 0"),
    (config.SVMConfig, {"gamma": -1.0}, "backbone.gamma=-1.0: must be above 0"),
    (config.SVMConfig, {"tolerance": 0.0}, "backbone.tolerance=0.0: must be above 0"),
    (config.SVMConfig, {"train_examples": 0}, "backbone.train_examples=0: must be above 0"),
    (config.SVMConfig, {"cell": 0}, "backbone.cell=0: must be above 0"),
    (config.SVMConfig, {"words": 0}, "backbone.words=0: must be above 0"),
    (config.SVMConfig, {"segments": -2}, "backbone.segments=-2: must be above 0"),
    (config.ConformerConfig, {"kernel": 4}, "backbone.kernel=4: must be odd and above 0"),
    (config.ConformerConfig, {"width": 20}, "backbone.width=20: must be a multiple of .*[(]8[)]"),
    (config.CrossEntropyConfig, {"smoothing": 1.0}, "loss.smoothing=1.0: must be at least 0"),
    (config.SGDConfig, {"lr": -0.1}, "optimizer.lr=-0.1: must be above 0"),
    (config.SGDConfig, {"lr": float("nan")}, "optimizer.lr=nan: must be above 0"),
    (config.SGDConfig, {"weight_decay": -1}, "optimizer.weight_decay=-1: must be 0 or above"),
    (config.SGDConfig, {"momentum": 1}, "optimizer.momentum=1: must be at least 0 and below 1"),
    (config.SGDConfig, {"momentum": 0}, "optimizer.nesterov=True: must be false where"),
    (config.AdamConfig, {"beta1": 1.0}, "optimizer.beta1=1.0: must be"),
    (config.AdamWConfig, {"beta2": -0.1}, "optimizer.beta2=-0.1: must be"),
    (config.AdamConfig, {"eps": 0.0}, "optimizer.eps=0.0: must be above 0"),
    (config.MuonConfig, {"momentum": 1.5}, "optimizer.momentum=1.5: must be"),
    (config.MuonConfig, {"adamw_lr": 0}, "optimizer.adamw_lr=0: must be above 0"),
    (config.CosineConfig, {"warmup": 1.0}, "schedule.warmup=1.0: must be"),
    (config.OneCycleConfig, {"final": 1.1}, "schedule.final=1.1: must be between 0 and 1"),
    (config.TrapezoidConfig, {"decay": -0.1}, "schedule.decay=-0.1: must be"),
    (config.TrapezoidConfig, {"decay": 0.95}, "schedule.decay=0.95: must be at most 1 - schedule"),
    (config.ConvergenceConfig, {"patience": 0}, "trainer.convergence.patience=0: must be above 0"),
    (config.ConvergenceConfig, {"minimum_gain": -1}, "trainer.convergence.minimum_gain=-1: must"),
    (config.TrainerConfig, {"epochs": 0}, "trainer.epochs=0: must be above 0"),
    (config.TrainerConfig, {"steps": -3}, "trainer.steps=-3: must be above 0"),
    (config.TrainerConfig, {"max_seconds": 0.0}, "trainer.max_seconds=0.0: must be above 0"),
    (config.TrainerConfig, {"batch_size": 0}, "trainer.batch_size=0: must be above 0"),
    (config.TrainerConfig, {"eval_batch_size": 0}, "trainer.eval_batch_size=0: must be above 0"),
    (config.TrainerConfig, {"accumulate": 0}, "trainer.accumulate=0: must be above 0"),
    (config.TrainerConfig, {"clip_norm": 0.0}, "trainer.clip_norm=0.0: must be above 0"),
    (config.TrainerConfig, {"evaluate_every": 0}, "trainer.evaluate_every=0: must be above 0"),
    (config.TrainerConfig, {"log_every": 0}, "trainer.log_every=0: must be above 0"),
    (config.TrainerConfig, {"ema_decay": 1.0}, "trainer.ema_decay=1.0: must be between 0 and 1"),
    (config.TrainerConfig, {"max_nonfinite": -1}, "trainer.max_nonfinite=-1: must be 0 or above"),
    (config.TrainerConfig, {"divergence": 1.0}, "trainer.divergence=1.0: must be above 1, or null"),
    (config.TrainerConfig, {"stall_seconds": 0}, "trainer.stall_seconds=0: must be above 0"),
    (config.TrainerConfig, {"hang_seconds": -1}, "trainer.hang_seconds=-1: must be above 0"),
    (config.TrainerConfig, {"micro_batch": 0}, "trainer.micro_batch=0: must be above 0, auto or"),
    (config.TrainerConfig, {"micro_batch": "half"}, "trainer.micro_batch=half: must be above 0, a"),
    (config.TrainerConfig, {"micro_batch": "-4"}, "trainer.micro_batch=-4: must be above 0, auto"),
    (
        config.TrainerConfig,
        {"stop_at_divergence": True, "divergence": None},
        "trainer.stop_at_divergence=True: must be false where trainer.divergence=null",
    ),
    (config.TrainerConfig, {"epochs": None}, "trainer.epochs=null trainer.steps=null: give one"),
    (config.SGDConfig, {"layer_decay": 0}, "optimizer.layer_decay=0: must be above 0, at most 1"),
    (
        config.TransformersConfig,
        {"trainable": "0"},
        "backbone.trainable=0: must be all, none, or a number of layers",
    ),
    (
        config.TransformersConfig,
        {"model": "some/where"},
        "backbone.model=some/where backbone.architecture=bert: give one of them",
    ),
    (config.HardwareConfig, {"threads": 0}, "hardware.threads=0: must be above 0"),
    (config.RunConfig, {"seed": -1}, "seed=-1: must be 0 or above"),
]


@pytest.mark.parametrize(("schema", "values", "message"), WRONG, ids=lambda v: str(v)[:40])
def test_wrong_value_is_named_with_its_key_and_the_rule(schema, values, message):
    with pytest.raises(ConfigError, match=message):
        schema(**values)


def _every_schema():
    plugins = [plugin.schemas for plugin in find().plugins.values()]
    return {**SCHEMAS, **{k: v for schemas in plugins for k, v in schemas.items()}}


@pytest.mark.parametrize("name", sorted(_every_schema()))
def test_every_schema_accepts_its_defaults_and_documents_its_fields(name):
    schema = _every_schema()[name]
    assert is_dataclass(schema)
    schema()
    if schema is RunConfig:
        return
    documented = ""
    for kind in schema.__mro__:
        if is_dataclass(kind):
            documented += inspect.getsource(kind)
    for field in fields(schema):
        described = rf'^    {field.name}: .*\n    """'
        assert re.search(described, documented, re.MULTILINE), f"{field.name} has no docstring"


@pytest.mark.parametrize("group", ["task", "data", "backbone", "loss", "optimizer", "schedule"])
def test_a_part_without_a_schema_has_the_keys_of_its_yaml(group):
    composed, choices = _compose(["task=image_recognition"])
    composed = OmegaConf.to_container(composed)
    composed[group] = {"_target_": "mine.Part", "size": 3}
    composed["task"] = {"_target_": "mine.Task"} if group != "task" else composed["task"]
    composed = OmegaConf.merge(OmegaConf.structured(RunConfig), composed, {"choices": choices})
    part = getattr(parse(composed), group)
    assert (part._target_, part.size) == ("mine.Part", 3)


def test_composed_run_has_the_types_of_the_schemas():
    run = compose(["backbone=lstm", "optimizer=muon", "schedule=trapezoid"])
    assert type(run.backbone) is config.LSTMConfig
    assert type(run.optimizer) is config.MuonConfig
    assert type(run.schedule) is config.TrapezoidConfig
    assert run.choices["backbone"] == "lstm"
    assert run.choices["data"] == "digits"  # the task's choice
    assert run.choices["experiment"] is None


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["task=text_classification", "task.unit=bpe", "data.on_error=skip"],
        ["task=speech_transcription", "optimizer=muon", "hardware.threads=1", "seed=3"],
        ["trainer.epochs=null", "trainer.steps=5", "name=x", "trainer.convergence.enabled=true"],
        ["backbone=svm", "backbone.kernel=rbf", "backbone.grid=[1,2]"],
        ["backbone=transformers", "backbone.architecture=vit", "backbone.options.hidden_size=8"],
        ["backbone=transformers", "backbone.model=a/b", "backbone.trainable=2"],
    ],
    ids=str,
)
def test_plain_form_composes_to_the_same_run(overrides):
    run = compose(overrides)
    plain = json.loads(json.dumps(run.plain()))
    again = recompose(plain)
    assert again == run
    assert again.hash() == run.hash()


def test_hash_of_repeats_is_the_same_without_the_seed_only():
    one, two = compose(["seed=1"]), compose(["seed=2"])
    assert one.hash() != two.hash()
    assert one.hash(seed=False) == two.hash(seed=False) != one.hash()
    assert len(one.hash()) == 12


@pytest.mark.parametrize(
    "override",
    [
        "name=x",
        "results=elsewhere",
        "cache=elsewhere",
        "trainer.snapshots=5",
        "tracking.enabled=false",
        "hardware.workers=3",
        "hardware.keep_memory=false",
        "hardware.worker_timeout=5",
        "data.max_skipped=0.5",
        "trainer.on_nonfinite=skip",
        "trainer.divergence=null",
        "trainer.hang_seconds=900",
        "trainer.micro_batch=null",
    ],
)
def test_hash_leaves_out_where_results_go(override):
    assert compose([override]).hash() == compose([]).hash()


@pytest.mark.parametrize(
    ("given", "taken"),
    [("true", True), ("on", True), ("false", False), ("off", False), ("auto", "auto")],
)
def test_compiling_is_on_off_or_automatic(given, taken):
    assert compose([f"hardware.compile={given}"]).hardware.compile == taken


@pytest.mark.parametrize(("given", "taken"), [("16", 16), ("auto", "auto"), ("null", None)])
def test_parts_of_a_batch_are_counted_automatic_or_none(given, taken):
    assert compose([f"trainer.micro_batch={given}"]).trainer.micro_batch == taken


def test_compiling_is_nothing_else():
    with pytest.raises(ConfigError, match=r"hardware\.compile=fast: must be true, false or auto"):
        compose(["hardware.compile=fast"])


@pytest.mark.parametrize(
    ("backbone", "before"),
    [("resnet", "true"), ("transformer", "true"), ("mlp", "false")],
)
def test_hash_is_as_before_there_were_switches_where_they_stand_as_then(backbone, before):
    identity = compose([f"backbone={backbone}"]).identity()
    assert not {"residual", "normalise"} & identity["backbone"].keys()
    given = compose(
        [f"backbone={backbone}", f"backbone.residual={before}", "backbone.normalise=true"]
    )
    assert given.identity() == identity
    for switched in (f"residual={'false' if before == 'true' else 'true'}", "normalise=false"):
        other = compose([f"backbone={backbone}", f"backbone.{switched}"])
        assert other.hash() != given.hash()


def test_hash_leaves_out_how_data_gets_here():
    fetched, there = (compose(["data=mnist", f"data.download={d}"]) for d in ("true", "false"))
    assert fetched.hash() == there.hash()


@pytest.mark.parametrize(
    "override",
    [
        "optimizer.lr=0.5",
        "backbone=mlp",
        "trainer.epochs=11",
        "trainer.micro_batch=auto",
        "trainer.micro_batch=16",
        "trainer.stop_at_divergence=true",
        "precision=bf16",
        "hardware.threads=1",
        "hardware.channels_last=false",
        "hardware.fused=false",
        "hardware.buckets=false",
        "hardware.compile=auto",
        "task.shift=2",
        "data.on_error=skip",
    ],
)
def test_hash_changes_with_what_can_change_the_result(override):
    assert compose([override]).hash(seed=False) != compose([]).hash(seed=False)


@pytest.mark.parametrize(
    "override",
    [
        "optimizer=muon",
        "optimizer.lr=0.5",
        "schedule=constant",
        "trainer=smoke",
        "trainer.epochs=1",
        "precision=bf16",
        "loss=mse",
        "hardware.fused=false",
        "hardware.compile=auto",
    ],
)
def test_hash_of_hand_made_features_leaves_out_what_plays_no_part(override):
    run = compose(["backbone=svm", override])
    assert run.hash() == compose(["backbone=svm"]).hash()
    assert run.optimizer is run.schedule is run.loss is None


@pytest.mark.parametrize("override", ["backbone.C=1", "backbone.features=hog", "task.shift=2"])
def test_hash_of_hand_made_features_changes_with_their_options(override):
    assert compose(["backbone=svm", override]).hash() != compose(["backbone=svm"]).hash()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["backbone=svm", "task=speech_transcription"],
            "backbone=svm: is fitted on hand-made features, and task=speech_transcription has none",
        ),
        (
            ["backbone=svm", "backbone.features=tfidf"],
            "backbone.features=tfidf: task=image_recognition has auto, pixels, hog",
        ),
        (["backbone=svm", "backbone.features=hg"], "did you mean 'hog'?"),
        (["data=imagefolder"], "data.path: has no value; give data.path=…"),
        (
            ["task=text_classification", "data=digits"],
            "data=digits: holds image, but task=text_classification takes text",
        ),
        (
            ["task=speech_transcription", "loss=mse"],
            "loss=mse: does not suit task=speech_transcription; use loss=ctc",
        ),
        (
            ["task=image_recognition", "loss=ctc"],
            "loss=ctc: does not suit .* use loss=cross_entropy|mse",
        ),
        (["optimizer.lr=-1"], "optimizer.lr=-1.0: must be above 0"),
        (["~schedule"], "schedule=null: choose one; `triathlon list` shows them"),
    ],
    ids=str,
)
def test_wrong_combination_is_one_line(overrides, message):
    with pytest.raises(ConfigError, match=message) as caught:
        compose(overrides)
    assert "\n" not in str(caught.value)


def test_nothing_heavy_is_imported_to_refuse_a_command():
    code = (
        "import sys; from suite.compose import compose\n"
        "try: compose(['optimizer.lr=-1'])\n"
        "except Exception as error: print(error)\n"
        "print([m for m in ('torch', 'mlflow', 'datasets', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "optimizer.lr=-1.0: must be above 0\n[]\n"


@pytest.mark.parametrize("changed", ["backbone.kernel=7", "task.front_end=wave"])
def test_what_came_later_has_no_part_in_the_hash_until_it_is_used(changed):
    common = ["task=speech_recognition", "backbone=resnet"]
    plain, used = compose(common), compose([*common, changed])
    part, key = changed.split("=")[0].split(".")
    assert key not in plain.identity()[part]
    assert key in used.identity()[part]
    assert plain.hash() != used.hash()


def test_what_takes_all_of_the_data_keeps_its_hash():
    whole = compose(["task=image_recognition"])
    assert "train_examples" not in whole.identity()["data"]
    assert "evaluations" not in whole.identity()["trainer"]
    part = compose(["task=image_recognition", "data.train_examples=100"])
    assert part.hash() != whole.hash()
    with pytest.raises(ConfigError, match=r"data.classes=1: must be 2 or above, or null"):
        compose(["task=image_recognition", "data.classes=1"])
