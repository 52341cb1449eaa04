"""Small copies of the standard sets, in the exact forms that they are published in."""

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from suite import Split, Task
from suite.compose import compose
from suite.run import build_task

Rows = Sequence[tuple[str, str]]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def open_set(cache: Path) -> Callable[..., Task]:
    """Build the task as the command does; it reads its data on first use."""

    def build(*overrides: str) -> Task:
        common = ("task=text_classification", f"cache={cache}", "trainer.batch_size=4")
        return build_task(compose([*common, *overrides]), torch.device("cpu"))

    return build


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The local cache of the hub, empty."""
    import huggingface_hub.constants

    folder = tmp_path / "hub"
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(folder))
    return folder


def snapshot(hub_cache: Path, id_: str, revision: str | None, commit: str = "c0ffee") -> Path:
    """Make the folder of a data set in the hub's cache; without a revision as `load_dataset`."""
    root = hub_cache / f"datasets--{id_.replace('/', '--')}"
    folder = root / "snapshots" / commit
    folder.mkdir(parents=True)
    if revision is not None:
        ref = root / "refs" / revision
        ref.parent.mkdir(parents=True)
        ref.write_text(commit)
    return folder


def write_parquet(
    file: Path, rows: Rows, *, text: str = "text", label: str = "label", classes: Sequence[str] = ()
) -> Path:
    """Write a table as the hub has it: with numbers for the classes, and their names beside."""
    import datasets

    file.parent.mkdir(parents=True, exist_ok=True)
    names = list(classes) or sorted({name for _, name in rows})
    features = datasets.Features(
        {text: datasets.Value("string"), label: datasets.ClassLabel(names=names)}
    )
    columns = {text: [t for t, _ in rows], label: [names.index(k) for _, k in rows]}
    datasets.Dataset.from_dict(columns, features).to_parquet(file)
    return file


def write_numbers(file: Path, rows: Sequence[tuple[str, int]], *, text: str = "text") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({text: [t for t, _ in rows], "label": [k for _, k in rows]}), file)
    return file


def write_csv(file: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows([header, *rows])
    return file


def named(task: Task) -> Mapping[Split, Rows]:
    """Return the rows of each split, with the names of their classes."""
    found = task.texts
    return {
        split: [(text, found.classes[k]) for text, k in zip(part.texts, part.labels, strict=True)]
        for split, part in found.splits.items()
    }


def learned(task: Task) -> Rows:
    """Return what there was before validation was held out, sorted."""
    rows = named(task)
    return sorted([*rows[Split.TRAIN], *rows[Split.VALIDATION]])
