"""Pickles, and code beside a model, in every place where weights are read: refused and never run.

Pickles in place of CIFAR's batches are in `tests/unit/tasks/image_recognition/data/test_cifar.py`.
"""

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from suite.compose import compose
from suite.errors import ConfigError, DataError, TriathlonError
from suite.features import BackboneBuilder, TokenSpec
from suite.library.transformers import Transformers
from suite.library.weights import read_weights
from suite.run import _options, load_model
from suite.training.weights import load_weights


class Bomb:
    """Makes the file that it names when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (self.marker,)


@pytest.fixture
def marker(tmp_path: Path):
    """Nobody may make it."""
    path = tmp_path / "marker"
    yield path
    assert not path.exists()


@pytest.fixture
def bombs(marker: Path) -> dict[str, bytes]:
    """What a pickle may look like: bare, and as torch writes it, now and long ago."""
    made = {"bare": pickle.dumps({"weight": Bomb(marker)})}
    for name, zipped in (("zipped", True), ("legacy", False)):
        path = marker.with_name(name)
        torch.save({"weight": Bomb(marker)}, path, _use_new_zipfile_serialization=zipped)
        made[name] = path.read_bytes()
        path.unlink()
    return made


def refused(match: str, call: Callable[[], object], kind: type[TriathlonError]) -> None:
    with pytest.raises(kind, match=match) as raised:
        call()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("form", ["bare", "zipped", "legacy"])
@pytest.mark.parametrize("name", ["best.safetensors", "last.pt", "last.safetensors"])
def test_in_place_of_a_checkpoint(bombs, tmp_path: Path, form: str, name: str) -> None:
    (tmp_path / name).write_bytes(bombs[form])
    load = lambda: load_weights(nn.Linear(1, 1), tmp_path / name)  # noqa: E731
    refused(f"{name}: not a checkpoint of this model", load, DataError)


@pytest.mark.parametrize("form", ["bare", "zipped"])
def test_in_place_of_a_models_weights(bombs, tmp_path: Path, form: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(compose(["backbone=mlp"]).plain()))
    (folder / "model.safetensors").write_bytes(bombs[form])
    refused("model: is no model of a run", lambda: load_model(folder), DataError)


@pytest.mark.parametrize("content", ["[]", "{", "null", '{"choices": {}}', '{"choices": 1}'])
def test_a_model_whose_configuration_is_none(tmp_path: Path, content: str) -> None:
    from safetensors.torch import save_file

    (tmp_path / "config.json").write_text(content)
    save_file({"x": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(TriathlonError):
        load_model(tmp_path)


def test_weights_of_another_model(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    (tmp_path / "config.json").write_text(json.dumps(compose(["backbone=mlp"]).plain()))
    save_file({"x": torch.zeros(1)}, tmp_path / "model.safetensors")
    refused("its weights are of another model", lambda: load_model(tmp_path), DataError)


@pytest.mark.parametrize("form", ["bare", "zipped"])
def test_in_place_of_torchvisions_weights(bombs, tmp_path: Path, form: str) -> None:
    for name, match in (("a.pth", "must be a .safetensors file"), ("a.safetensors", "cannot be")):
        (tmp_path / name).write_bytes(bombs[form])
        refused(match, lambda name=name: read_weights(str(tmp_path / name)), ConfigError)


@pytest.fixture
def pretrained(bert_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bert_folder, tmp_path / "pretrained"))


def build(folder: Path) -> nn.Module:
    config = compose(["task=text_classification", "backbone=transformers",
                      "backbone.architecture=null", f"backbone.model={folder}"])  # fmt: skip
    builder = BackboneBuilder(Transformers, _options(config.backbone))
    tokenizer = builder.intake.tokenizer
    assert tokenizer is not None
    tokenizer()
    return builder(TokenSpec())


@pytest.mark.parametrize("form", ["bare", "zipped", "legacy"])
@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors"])
def test_in_place_of_pretrained_weights(bombs, pretrained: Path, form: str, name: str) -> None:
    (pretrained / "model.safetensors").unlink()
    (pretrained / name).write_bytes(bombs[form])
    refused("backbone.model=", lambda: build(pretrained), ConfigError)


def test_weights_in_parts_that_name_pickles(bombs, pretrained: Path) -> None:
    (pretrained / "model.safetensors").unlink()
    (pretrained / "part.bin").write_bytes(bombs["zipped"])
    index = {"metadata": {}, "weight_map": {"embeddings.word_embeddings.weight": "part.bin"}}
    (pretrained / "model.safetensors.index.json").write_text(json.dumps(index))
    refused("backbone.model=", lambda: build(pretrained), ConfigError)


@pytest.mark.parametrize(
    ("file", "key", "changes"),
    [
        ("config.json", "AutoConfig", {"model_type": "evil"}),
        ("config.json", "AutoModel", {}),
        ("tokenizer_config.json", "AutoTokenizer", {"tokenizer_class": "EvilTokenizer"}),
        ("tokenizer_config.json", "AutoTokenizer", {}),
    ],
)
def test_code_that_a_model_brings_along(
    pretrained: Path, marker: Path, file: str, key: str, changes: dict[str, str]
) -> None:
    (pretrained / "evil.py").write_text(
        f"from pathlib import Path\nPath({str(marker)!r}).touch()\n"
        "class Evil:\n    def __init__(self, *a, **k): pass\n"
        "    from_pretrained = classmethod(lambda c, *a, **k: c())\n"
    )
    name = ["evil.Evil", "evil.Evil"] if key == "AutoTokenizer" else "evil.Evil"
    told = json.loads((pretrained / file).read_text()) | {"auto_map": {key: name}, **changes}
    (pretrained / file).write_text(json.dumps(told))
    # A kind that the library knows is built from its own code; one that it does not is refused.
    said = outcome(pretrained)
    assert said == "" or said.startswith("backbone")
    assert "\n" not in said
    assert not marker.exists()


def outcome(folder: Path) -> str:
    """Return why a model is refused; empty where it is built."""
    try:
        build(folder)
    except ConfigError as error:
        return str(error)
    return ""


def test_what_else_a_configuration_might_load(pretrained: Path) -> None:
    told = json.loads((pretrained / "config.json").read_text())
    told |= {"_attn_implementation": "evil/kernel", "attn_implementation": "evil/kernel"}
    (pretrained / "config.json").write_text(json.dumps(told))
    assert "\n" not in outcome(pretrained)


def test_in_place_of_features_and_packed_images(bombs, tmp_path: Path) -> None:
    import numpy as np

    from tasks.image_recognition.data.idx import read_idx
    from tasks.image_recognition.data.svhn import read_mat

    for name in ("a.npy", "a.npz", "train-images-idx3-ubyte", "train_32x32.mat"):
        (tmp_path / name).write_bytes(bombs["bare"])
    for name in ("a.npy", "a.npz"):
        with pytest.raises(ValueError, match="allow_pickle"):
            np.load(tmp_path / name)
    refused("header of an idx", lambda: read_idx(tmp_path / "train-images-idx3-ubyte", axes=3),
            DataError)  # fmt: skip
    refused("cannot be read", lambda: read_mat(tmp_path / "train_32x32.mat"), DataError)
    array = np.array([Bomb(tmp_path / "marker")], dtype=object)
    np.save(tmp_path / "b.npy", array, allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle"):
        np.load(tmp_path / "b.npy")
