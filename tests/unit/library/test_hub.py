"""A model that is not there, or is not safe to load, is refused in one line."""

import json
import shutil
import time

import pytest
import torch
from safetensors.torch import load_file, save_file

from suite.config import TransformersConfig
from suite.errors import ConfigError
from suite.features import BackboneBuilder, TokenSpec
from suite.library.hub import find_model
from suite.library.transformers import Transformers
from suite.run import _options


def builder(**given):
    config = TransformersConfig(**{"architecture": None, **given})
    return BackboneBuilder(Transformers, _options(config))


def build(**given):
    return builder(**given)(TokenSpec())


@pytest.fixture
def folder(bert_folder, tmp_path):
    return shutil.copytree(bert_folder, tmp_path / "model")


def refused(match, **given):
    with pytest.raises(ConfigError, match=match) as told:
        build(**given)
    assert len(str(told.value).splitlines()) == 1


def test_folder_or_name_that_is_nowhere(tmp_path):
    refused("no such folder; give one", model=str(tmp_path / "absent"))
    began = time.perf_counter()
    refused("not in the cache of the Hugging Face hub; put its config.json", model="some/model")
    refused("some/model: cannot be fetched .*; check name", model="some/model", download=True)
    assert time.perf_counter() - began < 5


def test_name_in_the_cache_is_found_without_network(bert_folder, tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    kept = tmp_path / "models--some--cached"
    shutil.copytree(bert_folder, kept / "snapshots" / "abc")
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text("abc")
    assert find_model("some/cached") == kept / "snapshots" / "abc"


def test_folder_without_configuration(tmp_path):
    refused("has no config.json", model=str(tmp_path))


def test_pickled_weights_are_never_read(folder):
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    refused(r"has no model.safetensors; put it there", model=str(folder))
    torch.save(weights, folder / "pytorch_model.bin")
    refused("has pytorch_model.bin but no model.safetensors; a pickle may run", model=str(folder))


def test_code_beside_the_model_never_runs(folder):
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "evil", "auto_map": {"AutoConfig": "evil.EvilConfig"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "evil.py").write_text("raise SystemExit('it ran')")
    refused("backbone.model=.*model", model=str(folder))


def test_weights_of_another_model(folder):
    weights = load_file(folder / "model.safetensors")
    kept = {k: v for k, v in weights.items() if ".layer.2.output.dense" not in k}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    refused(r"lack 2 of the tensors .* such as encoder.layer.2.output.dense", model=str(folder))


def test_tokenizer_that_is_missing_leaves_features_only(folder):
    for file in folder.glob("*token*"):
        file.unlink()
    forms = builder(model=str(folder)).intake.forms
    assert [form.value for form in forms] == ["sequence"]


def test_names_and_options_that_the_library_does_not_know():
    refused("architecture=brt: transformers has none of this name; did you mean 'bert'",
            architecture="brt")  # fmt: skip
    refused("options.hidden_siz: BertConfig has no such option; did you mean 'hidden_size'",
            architecture="bert", options={"hidden_siz": 8})  # fmt: skip
    refused("backbone.options=.*expected int, got str", architecture="bert",
            options={"hidden_size": "wide"})  # fmt: skip
    refused("multiple of the number of attention heads", architecture="bert",
            options={"hidden_size": 17, "num_attention_heads": 2})  # fmt: skip
    refused("clip is no encoder that the suite knows", architecture="clip")


def test_options_win_over_a_pretrained_configuration(folder):
    model = build(model=str(folder), options={"hidden_dropout_prob": 0.0})
    assert model.model.embeddings.dropout.p == 0.0


def test_model_is_built_again_from_what_it_keeps(folder, tmp_path):
    built = build(model=str(folder), options={"hidden_dropout_prob": 0.0})
    built.keep(tmp_path / "kept")
    shutil.rmtree(folder)
    assert not list((tmp_path / "kept").glob("*.safetensors"))
    options = builder(model=str(folder), options={"hidden_dropout_prob": 0.0}).options
    kept = BackboneBuilder(Transformers, Transformers.rebuilt(options, tmp_path / "kept"))
    again = kept(TokenSpec())
    assert again.model.embeddings.dropout.p == 0.0
    again.load_state_dict(built.state_dict())
    assert len(kept.intake.tokenizer().encode(["how long is the river"], 64)[0]) > 3
