import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from suite.features import Sequence
from suite.task import Batch
from suite.tracking import store
from suite.tracking.model_folder import read_model_folder, save_model_folder
from suite.tracking.state import State
from suite.tracking.sync import sync


class Classifier(nn.Module):
    """Reads the pixels only, and has two names for one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.output = nn.Linear(4, 3)
        self.same = self.output
        self.dropout = nn.Dropout(0.5)

    def forward(self, batch: Batch) -> Tensor:
        return self.output(self.dropout(batch["pixels_BCHW"].flatten(1)))  # type: ignore[no-any-return]


class Transcriber(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.output = nn.Linear(1, 5)

    def forward(self, batch: Batch) -> Sequence:
        mask = torch.arange(batch["wave_BS"].shape[1]) < batch["length_B"].unsqueeze(1)
        return Sequence(self.output(batch["wave_BS"].unsqueeze(-1)), mask)


@pytest.fixture
def rebuild(monkeypatch: pytest.MonkeyPatch) -> Callable[[type[nn.Module]], None]:
    """Stand in for `suite.run`, which builds a model from the configuration."""

    def use(kind: type[nn.Module]) -> None:
        def load_model(folder: Path) -> nn.Module:
            model = kind()
            model.load_state_dict(read_model_folder(folder)[1])
            return model

        module = types.ModuleType("suite.run")
        module.load_model = load_model  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "suite.run", module)
        monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")

    return use


def images() -> Batch:
    tensors = {"pixels_BCHW": torch.randn(5, 1, 2, 2), "label_B": torch.zeros(5).long()}
    return Batch(tensors, 5, 5.0)


def test_mlflow_loads_it_and_knows_its_signature(
    tmp_path: Path, rebuild: Callable[[type[nn.Module]], None]
) -> None:
    import mlflow

    rebuild(Classifier)
    model, batch = Classifier(), images()
    save_model_folder(tmp_path / "model", model, batch, config={"seed": 1}, metadata={"run": "x"})
    assert model.training
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    inputs = loaded.metadata.signature.inputs.to_dict()
    assert [(spec["name"], spec["tensor-spec"]) for spec in inputs] == [
        ("pixels_BCHW", {"dtype": "float32", "shape": (-1, 1, 2, 2)})
    ]
    (output,) = loaded.metadata.signature.outputs.to_dict()
    assert (output["name"], output["tensor-spec"]["shape"]) == ("logits_BK", (-1, 3))
    assert loaded.metadata.metadata == {"run": "x"}
    predicted = loaded.predict({"pixels_BCHW": batch["pixels_BCHW"].numpy()})
    torch.testing.assert_close(torch.from_numpy(predicted["logits_BK"]), model.eval()(batch))


def test_ragged_outputs_come_with_their_mask(
    tmp_path: Path, rebuild: Callable[[type[nn.Module]], None]
) -> None:
    import mlflow

    rebuild(Transcriber)
    batch = Batch({"wave_BS": torch.randn(2, 6), "length_B": torch.tensor([6, 4])}, 2, 1.0)
    save_model_folder(tmp_path / "model", Transcriber(), batch, config={})
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    shapes = {spec.name: spec.shape for spec in loaded.metadata.signature.outputs.inputs}
    assert shapes == {"logits_BTK": (-1, -1, 5), "mask_BT": (-1, -1)}
    # Another length than the example's.
    result = loaded.predict(
        {"wave_BS": torch.randn(3, 9).numpy(), "length_B": torch.tensor([9, 2, 1]).numpy()}
    )
    assert result["logits_BTK"].shape == (3, 9, 5)
    assert result["mask_BT"].sum(1).tolist() == [9, 2, 1]


def test_configuration_and_weights_come_back(tmp_path: Path) -> None:
    model = Classifier()
    save_model_folder(tmp_path, model, images(), config={"backbone": {"width": 4}})
    config, state = read_model_folder(tmp_path)
    assert config == {"backbone": {"width": 4}}
    Classifier().load_state_dict(state)
    torch.testing.assert_close(state["same.weight"], model.output.weight.detach())


def test_a_run_has_its_model_in_mlflow(
    results: Path, finished: Callable[..., Path], rebuild: Callable[[type[nn.Module]], None]
) -> None:
    import mlflow

    from suite.tracking.journal import Journal

    rebuild(Classifier)
    folder = finished()
    save_model_folder(folder / "model", Classifier(), images(), config={})
    journal = Journal(folder)
    journal.artifact(folder / "model")
    journal.close()
    assert sync(results).sent == ["one"]
    assert sync(results).already == ["one"]
    state = State.read(folder)
    assert state is not None
    mlflow.set_tracking_uri(store.default_uri(results))
    try:
        loaded = mlflow.pyfunc.load_model(f"models:/{state.model}")
        assert loaded.metadata.signature is not None
        found = mlflow.pyfunc.load_model(f"runs:/{state.run}/model")
        assert found.metadata.signature == loaded.metadata.signature
    finally:
        mlflow.set_tracking_uri(None)
