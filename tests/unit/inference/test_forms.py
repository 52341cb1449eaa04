import importlib.util
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from suite.errors import DeviceError
from suite.inference import forms, onnx_form
from suite.inference.batches import batch_of
from suite.inference.difference import difference
from suite.inference.plan import ModelForm
from suite.inference.portable import Portable
from suite.task import Batch

pytestmark = pytest.mark.filterwarnings("ignore")  # as `bench` does while it makes a form

ONNX = all(importlib.util.find_spec(name) for name in onnx_form.PACKAGES)


def made_of(form: ModelForm, model: nn.Module, batch: Batch) -> float:
    """Make a form, call it, and return how far it is from eager."""
    portable = Portable(model.eval(), batch)
    inputs = tuple(batch[name] for name in portable.names)
    with torch.inference_mode():
        return difference(forms.make(form, portable, inputs, threads=1)(), portable(*inputs))


@pytest.fixture
def built(
    open_task: Callable[[str], Any], embedded: dict[str, list[str]], small: dict[str, list[str]]
) -> Callable[[str, str], tuple[nn.Module, Batch]]:
    """Return a small model of a backbone for an embedded data set, and a batch of two."""
    from suite.compose import compose
    from suite.run import build_model

    def build(data: str, backbone: str) -> tuple[nn.Module, Batch]:
        task = open_task(data)
        config = compose([*embedded[data], *small[backbone]])
        return build_model(config, task, torch.device("cpu")), batch_of(task, 2)

    return build


def test_every_backbone_is_exported(built: Callable[..., Any], backbone_name: str) -> None:
    assert made_of(ModelForm.exported, *built("language_names", backbone_name)) < 1e-5


@pytest.mark.parametrize("data", ["digits", "spoken_words", "spoken_digits_ctc"])
def test_every_input_layer_is_exported(built: Callable[..., Any], data: str) -> None:
    assert made_of(ModelForm.exported, *built(data, "mlp")) < 1e-5


def test_all_of_a_model_is_compiled(
    model: nn.Module, batches: dict[int, Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    graphs = []

    def backend(graph: torch.fx.GraphModule, _: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    monkeypatch.setattr(forms, "_BACKEND", backend)
    assert made_of(ModelForm.compiled, model, batches[2]) == 0
    assert len(graphs) == 1  # nothing of what carries tensors in and out breaks it


@pytest.mark.skipif(not ONNX, reason="the extra onnx is not installed")
def test_onnx_computes_the_same(model: nn.Module, batches: dict[int, Batch]) -> None:
    assert made_of(ModelForm.onnx, model, batches[2]) < 1e-5


def test_onnx_says_what_is_missing(
    model: nn.Module, batches: dict[int, Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_form, "PACKAGES", ("onnx_of_tomorrow",))
    with pytest.raises(DeviceError, match=r"onnx_of_tomorrow not installed; pip install .*\[onnx"):
        made_of(ModelForm.onnx, model, batches[2])
