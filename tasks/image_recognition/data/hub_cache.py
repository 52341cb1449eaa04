"""Opens data sets of the Hugging Face hub from its local cache, without asking the network."""

import logging
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from suite import DataError

Splits = Mapping[str, Any]
"""A `datasets.Dataset` for each split, by its name."""


def open_hub(id_: str, config: str | None, revision: str | None, *, download: bool) -> Splits:
    """Return all splits; raise a `DataError` where they are not in the cache or cannot be had.

    download: fetch what the cache lacks.
    """
    with _quiet():
        return _downloaded(id_, config, revision) if download else _cached(id_, config, revision)


def _downloaded(id_: str, config: str | None, revision: str | None) -> Splits:
    from datasets import load_dataset

    try:
        _find_server()
        found: Splits = load_dataset(id_, config, revision=revision)
    except Exception as error:  # the library raises errors of many kinds
        raise DataError(
            f"data.id={id_}: cannot be downloaded ({_first_line(error)}); mend data.id, "
            "data.config or data.revision, or try again with a network"
        ) from error
    return found


def _find_server() -> None:
    """Raise an `OSError` at once where there is no network; the library tries for half a minute."""
    from huggingface_hub.constants import ENDPOINT, HF_HUB_OFFLINE

    if not HF_HUB_OFFLINE and not getproxies():
        address = urlsplit(ENDPOINT)
        socket.getaddrinfo(address.hostname, address.port or 443)


def _cached(id_: str, config: str | None, revision: str | None) -> Splits:
    """Return what the library prepared before, else prepare the files that the hub's cache has."""
    from datasets import load_dataset
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    found: Splits
    with _offline():
        # What was prepared before does not tell of which revision it is.
        if revision is None:
            with suppress(Exception):  # the library raises errors of many kinds
                found = load_dataset(id_, config)
                return found
        try:
            folder = snapshot_download(
                id_, repo_type="dataset", revision=revision, local_files_only=True
            )
        except LocalEntryNotFoundError as error:
            at = f" at revision {revision}" if revision else ""
            raise DataError(
                f"data.id={id_}: is not in the local cache of the hub{at}; set "
                "data.download=true, or mend data.id"
            ) from error
        try:
            found = load_dataset(folder, config)
        except Exception as error:  # the library raises errors of many kinds
            raise DataError(
                f"data.id={id_}: the files in {folder} cannot be read ({_first_line(error)}); "
                "set data.download=true, or mend data.config"
            ) from error
    return found


@contextmanager
def _offline() -> Iterator[None]:
    """Keep both libraries from the network; they take up to half a minute to find that it fails."""
    import datasets.config
    import huggingface_hub.constants

    places: tuple[Any, ...] = (datasets.config, huggingface_hub.constants)
    before = [place.HF_HUB_OFFLINE for place in places]
    for place in places:
        place.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        for place, value in zip(places, before, strict=True):
            place.HF_HUB_OFFLINE = value


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the library logs to itself; progress bars are shown where there is a terminal."""
    logger = logging.getLogger("datasets")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
