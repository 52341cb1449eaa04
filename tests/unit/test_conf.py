"""Every file in `conf/` composes, and what it names can be built."""

import re
from contextlib import nullcontext
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from torch import nn

from suite.compose import GROUPS, compose
from suite.config import HandMadeConfig, RunConfig
from suite.errors import ConfigError, DeviceError
from suite.features import BackboneBuilder, Form, GridSpec, SequenceSpec, WaveSpec
from suite.hardware.device import choose_device
from suite.run import _build, _named, _options, build_task
from suite.training.precision import Precision

CONF = Path(__file__).parents[2] / "conf"
OPTIONS = [
    (group, path.relative_to(CONF / group).with_suffix("").as_posix())
    for group in GROUPS
    for path in sorted((CONF / group).rglob("*.yaml"))
]
EXPERIMENTS = [name for group, name in OPTIONS if group == "experiment"]
TASKS = [name for group, name in OPTIONS if group == "task"]

SMALL = "num_hidden_layers:2,num_attention_heads:2,intermediate_size:32"
NEEDED = {
    "backbone.model: has no value": ["backbone.model=mobilenet_v3_small"],
    "backbone.model=null": [
        "backbone.architecture=bert", f"backbone.options={{hidden_size:16,{SMALL}}}"
    ],
}  # fmt: skip
"""What a file leaves open, by the error that says so."""


@cache
def composed(group: str, option: str) -> RunConfig:
    """Return the run that this option makes, with the first task that it suits."""
    tasks = [[]] if group in ("task", "experiment") else [[f"task={task}"] for task in TASKS]
    for overrides in tasks:
        try:
            return compose([*overrides, f"{group}={option}"])
        except ConfigError as error:
            told = error
            missing = re.match(r"(data\.\w+): has no value", str(error))
            if missing:
                tasks.append([*overrides, f"{missing[1]}=some/where"])
            for needed, given in NEEDED.items():
                if str(error).startswith(needed):
                    tasks.append([*overrides, *given])
    raise told


def test_every_folder_is_a_group():
    # Sets of claims are ladders of runs: `tests/unit/claims` composes these.
    other = {"hydra", "claims", "__pycache__"}
    folders = {path.name for path in CONF.iterdir() if path.is_dir()} - other
    assert folders <= set(GROUPS)
    assert {group for group, _ in OPTIONS} == folders


@pytest.mark.parametrize(("group", "option"), OPTIONS, ids=str)
def test_option_composes_and_its_task_is_built(group, option):
    config = composed(group, option)
    assert config.choices[group] == option
    task = build_task(config, torch.device("cpu"))
    assert task.setup.batch_size == config.trainer.batch_size


@pytest.mark.parametrize("option", [name for group, name in OPTIONS if group == "backbone"])
def test_backbone_is_built(option):
    node = composed("backbone", option).backbone
    if isinstance(node, HandMadeConfig):
        svm = _named(node._target_)(node, seed=0)
        assert svm.fit(np.eye(4), np.array([0, 1, 0, 1]), 1.0).parameters > 1
        return
    builder = BackboneBuilder(_named(node._target_), _options(node))
    specs = {
        Form.SEQUENCE: SequenceSpec(features=8, length=16),
        Form.GRID: GridSpec(channels=1, height=8, width=16),
        Form.WAVE: WaveSpec(sample_rate=16_000),
    }
    backbone = builder(specs[builder.choose(*specs)])
    assert sum(p.numel() for p in backbone.parameters()) > 1000


@pytest.mark.parametrize("option", [name for group, name in OPTIONS if group == "optimizer"])
def test_optimizer_is_built(option):
    node = composed("optimizer", option).optimizer
    rates = [rate for rates in _build(node, nn.Linear(4, 3)).peaks for rate in rates]
    assert node.lr in rates or option == "muon"


@pytest.mark.parametrize("option", [name for group, name in OPTIONS if group == "schedule"])
def test_schedule_is_built_and_reaches_its_peak(option):
    schedule = _build(composed("schedule", option).schedule)
    factors = [schedule(i / 1000) for i in range(1000)]
    assert min(factors) >= 0
    assert max(factors) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("option", [name for group, name in OPTIONS if group == "precision"])
def test_precision_suits_this_machine_or_says_that_it_does_not(option):
    config = composed("precision", option).precision
    expected = pytest.raises(DeviceError) if option == "fp16" else nullcontext()
    with expected:
        Precision(config, torch.device("cpu"))


@pytest.mark.parametrize("option", [name for group, name in OPTIONS if group == "hardware"])
def test_hardware_names_a_device(option):
    assert choose_device(composed("hardware", option).hardware).type in ("cpu", "cuda")


@pytest.mark.parametrize(("group", "option"), OPTIONS, ids=str)
def test_file_begins_with_a_line_for_the_list(group, option):
    lines = (CONF / group / f"{option}.yaml").read_text().splitlines()
    first = next(line for line in lines if not line.startswith("# @package"))
    assert first.startswith("# ")
    assert len(first) > 15


def _sweeps():
    """Return what experiments sweep over, by name: values by key."""
    found = {}
    for name in EXPERIMENTS:
        hydra = yaml.safe_load((CONF / "experiment" / f"{name}.yaml").read_text()).get("hydra", {})
        params = hydra.get("sweeper", {}).get("params", {})
        if params:
            found[name] = {key: str(values).split(",") for key, values in params.items()}
    return found


@pytest.mark.parametrize(("name", "params"), _sweeps().items(), ids=str)
def test_cells_of_a_sweep_in_an_experiment_compose(name, params):
    for end in (0, -1):
        chosen = [f"{key}={values[end].strip()}" for key, values in params.items()]
        assert compose([f"experiment={name}", *chosen]).choices["experiment"] == name


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_experiment_says_source_command_hardware_and_what_to_expect(name):
    text = (CONF / "experiment" / f"{name}.yaml").read_text()
    for key in ("source", "command", "hardware", "expect"):
        (line,) = [line for line in text.splitlines() if line.startswith(f"# {key}: ")]
        assert not {"EXPECT", "HARDWARE", "TODO"} & set(line.split())
