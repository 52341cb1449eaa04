"""Opens models of the transformers library: configuration first, weights when they are needed."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from transformers import CONFIG_MAPPING, AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.utils import logging

from suite.errors import ConfigError, nearest, one_line
from suite.library.hub import find_model, require_weights

_ALIASES = {"ast": "audio-spectrogram-transformer"}
_BESIDE = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.txt", "vocab.json", "merges.txt", "spiece.model", "sentencepiece.bpe.model",
    "preprocessor_config.json", "processor_config.json",
)  # fmt: skip
"""Files of tokenizers and feature extractors."""


@dataclass(frozen=True)
class Source:
    """A model before it is built.

    folder: where its weights are; None for random ones. size: side of images, where one is asked
    for. extractor: what the folder says of its feature extractor.
    """

    config: PreTrainedConfig
    folder: Path | None = None
    size: int | None = None
    extractor: Mapping[str, Any] = field(default_factory=dict)

    def build(self, config: PreTrainedConfig, *, weights: bool) -> PreTrainedModel:
        """Return the model of this (adapted) configuration, with the folder's weights or random."""
        if self.folder is not None and weights:
            return _with_weights(self.folder, config)
        with _explained(f"backbone: {config.model_type}"), _quiet():
            model: PreTrainedModel = AutoModel.from_config(config, dtype=torch.float32)
            return model

    def keep(self, folder: Path) -> None:
        """Copy configuration, tokenizer and feature extractor, without weights."""
        if self.folder is None:
            return
        folder.mkdir(parents=True, exist_ok=True)
        self.config.save_pretrained(folder)
        for name in _BESIDE:
            if (self.folder / name).is_file():
                shutil.copyfile(self.folder / name, folder / name)


def open_source(options: Mapping[str, Any]) -> Source:
    """Return the model that `model` or `architecture` names; raise a `ConfigError`."""
    settings = dict(options["options"])
    if options["model"] is None:
        return Source(_new_config(options["architecture"], settings), size=options["size"])
    folder = find_model(options["model"], options["download"])
    if not (folder / "config.json").is_file():
        raise ConfigError(f"backbone.model={folder}: has no config.json; put it there")
    with _explained(f"backbone.model={folder}"), _quiet():
        # What is given here goes through the checks of its own class too.
        safe = {"local_files_only": True, "trust_remote_code": False}
        _check_settings(type(AutoConfig.from_pretrained(folder, **safe)), settings)
        config = AutoConfig.from_pretrained(folder, **safe, **settings)
        extractor = folder / "preprocessor_config.json"
        told = json.loads(extractor.read_text(encoding="utf-8")) if extractor.is_file() else {}
        return Source(config, folder, options["size"], told)


def _new_config(architecture: str, settings: dict[str, Any]) -> PreTrainedConfig:
    name = _ALIASES.get(architecture, architecture)
    if name not in CONFIG_MAPPING:
        known = [*_ALIASES, *CONFIG_MAPPING]
        raise ConfigError(
            f"backbone.architecture={architecture}: transformers has none of this name"
            f"{nearest(architecture, known)}"
        )
    with _explained(f"backbone.options={settings}"), _quiet():
        _check_settings(CONFIG_MAPPING[name], settings)
        return AutoConfig.for_model(name, **settings)


def _check_settings(kind: type[PreTrainedConfig], settings: Mapping[str, Any]) -> None:
    """Refuse what the class does not know: the library takes any name and reads none of them."""
    known = {f.name for f in fields(kind)} | set(kind.attribute_map)
    for name in settings:
        if name not in known:
            raise ConfigError(
                f"backbone.options.{name}: {kind.__name__} has no such option{nearest(name, known)}"
            )


def _with_weights(folder: Path, config: PreTrainedConfig) -> PreTrainedModel:
    require_weights(folder)
    with _explained(f"backbone.model={folder}"), _quiet():
        model: PreTrainedModel
        model, report = AutoModel.from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    # A pooler is taken off anyway, and checkpoints of language models have none.
    missing = sorted(key for key in report["missing_keys"] if not key.startswith("pooler."))
    if missing:
        raise ConfigError(
            f"backbone.model={folder}: its weights lack {len(missing)} of the tensors that "
            f"config.json speaks of, such as {missing[0]}; they belong to another model"
        )
    return model


@contextmanager
def _explained(key: str) -> Iterator[None]:
    """Turn what the library raises into one line."""
    try:
        yield
    except ConfigError:
        raise
    except Exception as error:  # the library's checks raise errors of many kinds
        raise ConfigError(f"{key}: {one_line(str(error))[:300]}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library from printing: what matters is raised."""
    level = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
