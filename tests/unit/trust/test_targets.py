"""What a `_target_` may name, by its name and by what it leads to."""

import pytest

from suite.errors import ConfigError, PluginError
from suite.plugins import find_target
from suite.trust.targets import targets_in

REFUSED = {
    "os.system": "must lie in one of the packages suite, tasks, torch",
    "builtins.eval": "must lie in",
    "subprocess.Popen": "must lie in",
    "torchx.nn.Linear": "must lie in",
    "suite": "dotted path",
    "suite..run": "dotted path",
    "suite.tracking.sender._Process": "dotted path of a public class",
    "suite.run.__builtins__.eval": "dotted path of a public class",
    "suite.run.sys.exit": "leads to sys, which is refused",
    "suite.tracking.ui.subprocess.Popen": "leads to subprocess, which is refused",
    "suite.tracking.ui.os.system": "leads to os",
    "tasks.speech_recognition.speaking.subprocess.run": "leads to subprocess",
    "tasks.image_recognition.data.cifar.Path": "is defined in pathlib",
    "tasks.image_recognition.data.cifar.partial": "is defined in functools",
    "suite.run.Path.unlink": "must be in a module, not inside of Path",
    "suite.backbones.MLP.forward": "must be in a module, not inside of MLP",
    "suite.config.SCHEMAS": "is a dict",
    "suite.run": "is a module",
    "suite.tracking.ui.ui": "is a function; only an optimizer may be one",
    "suite.run.load_model": "is a function",
    "torch.load": "is a function",
    "torch.hub.load": "is a function",
    "torch.os.system": "leads to os",
    "torch.serialization.pickle.loads": "leads to pickle",
    "torch.utils.data.DataLoader": "of torch only modules, optimizers and schedules",
    "torch.classes.load_library": "refused|must be|inside|is a",
    "torchvision.datasets.CIFAR10": "of torchvision only modules",
    "transformers.AutoModel": "of transformers only modules",
    "transformers.pipeline": "is a function",
}


@pytest.mark.parametrize("target", REFUSED)
def test_what_runs_other_code_is_refused(target: str) -> None:
    with pytest.raises(ConfigError, match=REFUSED[target]) as raised:
        find_target(target)
    assert target in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("target", ["torch.load", "torch.hub.load", "torch.os.system"])
def test_an_optimizer_may_be_a_function_but_not_of_a_library(target: str) -> None:
    assert find_target("suite.training.optimizers.sgd", function=True).__name__ == "sgd"
    with pytest.raises(ConfigError, match=target):
        find_target(target, function=True)


@pytest.mark.parametrize(
    "target",
    ["suite.backbones.MLP", "tasks.image_recognition.data.Digits", "torch.nn.Linear",
     "torch.optim.Adagrad", "torch.optim.lr_scheduler.StepLR", "torchvision.models.ResNet"],
)  # fmt: skip
def test_parts_are_found(target: str) -> None:
    assert find_target(target).__name__ == target.rpartition(".")[2]


def test_what_is_not_there_is_a_plugins_fault() -> None:
    with pytest.raises(PluginError, match=r"suite\.nothing\.X: cannot be imported"):
        find_target("suite.nothing.X")


def test_targets_are_found_wherever_they_are() -> None:
    plain = {"a": [{"_target_": "x"}, 1], "b": {"_target_": "y", "c": {"_target_": ""}}}
    assert list(targets_in(plain)) == [
        ("a.0._target_", "x"), ("b._target_", "y"), ("b.c._target_", ""),
    ]  # fmt: skip
