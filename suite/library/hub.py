"""Finds a pretrained model: a local folder, or a name on the Hugging Face hub.

Weights are safetensors, for a pickle may run code when it is loaded; code from the hub never runs.
Nothing is fetched unless asked for.
"""

import re
from functools import cache
from pathlib import Path

from suite.errors import ConfigError, one_line

_HUB_NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")
_FILES = ["*.json", "*.txt", "*.model", "*.safetensors"]
"""Configuration, tokenizer and weights, and no more: repositories hold the weights many times."""
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_PATIENCE_SECONDS = 5.0


@cache
def find_model(name: str, download: bool = False) -> Path:
    """Return the folder of a model, or raise a `ConfigError` that says what to put where.

    name: a folder, or a name on the hub, which is looked up in the local cache.
    download: fetch it from the hub where the cache does not have it.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    key = f"backbone.model={name}"
    if not _HUB_NAME.fullmatch(name):
        raise ConfigError(
            f"{key}: no such folder; give one that holds config.json and model.safetensors"
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, local_files_only=True, allow_patterns=_FILES))
    except LocalEntryNotFoundError:
        if not download:
            raise ConfigError(
                f"{key}: no such folder, and not in the cache of the Hugging Face hub; put its "
                "config.json, model.safetensors and tokenizer.json into a folder and give that, or "
                "set backbone.download=true"
            ) from None
    return _fetch(name, key)


def _fetch(name: str, key: str) -> Path:
    from huggingface_hub import HfApi, snapshot_download

    try:
        # One short question first: the download itself would try for half a minute.
        files = [
            f.rfilename for f in HfApi().model_info(name, timeout=_PATIENCE_SECONDS).siblings or ()
        ]
        if not any(file.endswith(".safetensors") for file in files):
            raise ConfigError(f"{key}: has no safetensors on the hub; choose another revision")
        return Path(snapshot_download(name, allow_patterns=_FILES))
    except ConfigError:
        raise
    except Exception as error:  # whatever the network and its libraries raise
        reason = one_line(str(error))[:200]
        raise ConfigError(
            f"{key}: cannot be fetched ({reason}); check name and network, or give a folder"
        ) from error


def require_weights(folder: Path) -> None:
    """Raise a `ConfigError` unless the folder has weights in safetensors."""
    if any((folder / f"model.safetensors{end}").is_file() for end in ("", ".index.json")):
        return
    pickles = sorted(file.name for pattern in _PICKLES for file in folder.glob(pattern))
    if pickles:
        raise ConfigError(
            f"backbone.model={folder}: has {pickles[0]} but no model.safetensors; a pickle may run "
            "code when it is loaded and is never read: convert it, model.save_pretrained(folder)"
        )
    raise ConfigError(f"backbone.model={folder}: has no model.safetensors; put it there")
