"""A run record in MLflow's terms: parameters, tags, totals, the data set."""

import base64
import binascii
import json
import re
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from suite.errors import DataError
from suite.tracking.store import RUN_TAG

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

_LONGEST_VALUE = 5000
_LONGEST_DIGEST = 36
_RECORD = "mlflow.triathlon.record."
"""Tags with the whole record, in parts. MLflow's pages hide tags that begin like its own."""
_LARGEST_RECORD = 1 << 24
"""Bytes."""


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return the values by dotted key, as YAML would write them.

    >>> flatten({"optimizer": {"lr": 0.1}, "name": None})
    {'optimizer.lr': '0.1', 'name': 'null'}
    """
    flat: dict[str, str] = {}
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value)
            flat[prefix + key] = text[:_LONGEST_VALUE]
    return flat


def legal(name: str) -> str:
    """Return a name that MLflow accepts for a metric or parameter; it would refuse the batch."""
    return re.sub(r"[^\w\-. :/]", "_", name)


def tags_of(record: Mapping[str, Any]) -> dict[str, str]:
    """Return what runs are searched and grouped by."""
    card, git = record["data_card"], record["git"]
    tags = {
        RUN_TAG: record["run_id"],
        "status": record["status"],
        "error": record["error"],
        **{k: record[k] for k in ("task", "data", "backbone", "loss", "optimizer", "schedule")},
        "seed": str(record["seed"]),
        "config_hash": record["config_hash"],
        "group_hash": record["group_hash"],
        "sweep": record["sweep"],
        "stopped": record["stopped"],
        "features": (record.get("hand_made") or {}).get("features"),
        "machine": (record.get("machine") or {}).get("fingerprint"),
        **{f"basis.{k}": v for k, v in record.get("basis", {}).items() if isinstance(v, str)},
        **{f"techniques.{k}": v for k, v in record.get("techniques", {}).items()},
        **{f"troubles.{k}": v for k, v in record.get("troubles", {}).items()},
        **_verdicts(record),
        "fingerprint": card.get("fingerprint"),
        "synthetic": str(card["synthetic"]).lower() if "synthetic" in card else None,
        "git.commit": git.get("commit"),
        "git.dirty": str(git["dirty"]).lower() if "dirty" in git else None,
        "mlflow.source.git.commit": git.get("commit"),
        "mlflow.source.name": "triathlon",
        "mlflow.source.type": "LOCAL",
    }
    return {k: str(v)[:_LONGEST_VALUE] for k, v in tags.items() if v}


def _verdicts(record: Mapping[str, Any]) -> dict[str, str | None]:
    """Return how the headline metric stands, where references of a kind are known."""
    headline: Mapping[str, Any] = next(iter(record.get("standings", ())), {})
    kinds = [kind for kind in ("published", "people") if headline.get(kind)]
    return {f"verdict.{kind}": headline[kind]["verdict"] for kind in kinds}


def _standing_of(record: Mapping[str, Any]) -> dict[str, float]:
    """Return the ends of intervals, and gaps; those of the headline have no metric's name."""
    values: dict[str, float] = {}
    for name, (low, high, _) in record.get("intervals", {}).items():
        values |= {f"{name}_low": low, f"{name}_high": high}
    for number, standing in enumerate(record.get("standings", ())):
        metric = f"{standing['metric']}_" if number else ""
        for kind in ("published", "people"):
            if standing[kind]:
                values[f"test/{metric}gap_to_{kind}"] = standing[kind]["gap"]
    return values


def totals_of(record: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers of the whole run that are no step's.

    Time, throughput, memory, size, and how its test metrics stand.
    """
    values = {f"time/{k}": record[k] for k in ("training_seconds", "wall_seconds")}
    groups = (("throughput", "throughput"), ("memory", "hardware"), ("energy", "hardware"),
              ("basis", "hardware"), ("profile", "profile"), ("model", "model"))  # fmt: skip
    # Records of older journals lack what came later.
    for group, name in groups:
        values |= {f"{name}/{k}": v for k, v in record.get(group, {}).items()}
    made = dict(record.get("hand_made") or {})
    if "feature_seconds" in made:
        values["time/feature_seconds"] = made.pop("feature_seconds")
    values |= {f"model/{k}": v for k, v in made.items()}
    for key, value in (record["reached"] or {}).items():
        values[f"time/to_target_{key}"] = value
    values |= _standing_of(record)
    return {k: float(v) for k, v in values.items() if isinstance(v, (int, float))}


def packed(record: Mapping[str, Any]) -> dict[str, str]:
    """Return the record as tags, from which `unpacked` makes it again without any artifact."""
    text = json.dumps(record, sort_keys=True, separators=(",", ":"))
    letters = base64.b64encode(zlib.compress(text.encode(), 9)).decode()
    parts = [letters[i : i + _LONGEST_VALUE] for i in range(0, len(letters), _LONGEST_VALUE)]
    # A run that ends twice may leave more parts than it has now.
    return {f"{_RECORD}{number}": part for number, part in enumerate([str(len(parts)), *parts])}


def unpacked(tags: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the record that a run's tags hold; None where they hold none.

    Raises `DataError` for one that is broken.
    """
    count = tags.get(f"{_RECORD}0")
    if count is None:
        return None
    try:
        letters = "".join(tags[f"{_RECORD}{n}"] for n in range(1, int(count) + 1))
        text = zlib.decompressobj().decompress(base64.b64decode(letters), _LARGEST_RECORD)
        record: dict[str, Any] = json.loads(text)
    except (KeyError, ValueError, binascii.Error, zlib.error) as error:
        raise DataError(
            f"MLflow run {tags.get(RUN_TAG)}: its record is broken ({error})"
        ) from error
    return record


def dataset_of(record: Mapping[str, Any]) -> "DatasetInput":
    """Return the data set as an input, known by its fingerprint."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    card = record["data_card"]
    keys = ("version", "licence", "sizes", "synthetic", "fingerprint", "notes")
    profile = {k: card[k] for k in keys if card.get(k)}
    data = Dataset(
        name=card["name"],
        digest=card["fingerprint"][:_LONGEST_DIGEST],
        source_type="triathlon",
        source=json.dumps({"source": card.get("source", "")}),
        profile=json.dumps(profile),
    )
    return DatasetInput(data, [InputTag("mlflow.data.context", "training")])
