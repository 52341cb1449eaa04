"""What MLflow shows of a run in words: a name that says what differs, and a description."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from suite.sweeps.plan import Plan
from suite.tracking.sweep_run import folder_of
from suite.trust.text import in_a_line, markdown_text

_FIRST = ("task", "data", "experiment", "backbone", "optimizer", "loss", "schedule")
"""Groups whose choice needs no key beside it; they come in this order, and the seed last."""
_PLACES = frozenset({"results", "cache", "tracking", "hydra", "sweep", "name"})
"""Groups that say where a run leaves what, which a sweep's command does not keep either."""
_UNTOLD = _PLACES | {"hardware"}
_LONGEST_NAME = 160
LONGEST_NOTE = 7900
"""Characters; MLflow refuses more than 8,000."""

Record = Mapping[str, Any]


def run_name(record: Record, results: Path) -> str:
    """Return the name that the user gave, else what sets the run apart.

    In a sweep that is what the sweep varies ("convnet · muon · seed 2"), else data, backbone,
    optimizer, further overrides and the seed.
    """
    given = (record.get("config") or {}).get("name")
    if given:
        return in_a_line(str(given))
    overrides = [str(one).lstrip("+") for one in record.get("overrides") or ()]
    plan = Plan.read(folder_of(results, record["sweep"])) if record.get("sweep") else None
    if plan is not None:
        # What the command gave is common to all runs; the values of what it varies are not in it.
        own = [o for o in overrides if o not in plan.command and _group(o) not in _PLACES]
        if own:
            return _joined(own)
    chosen = [f"{group}={record.get(group)}" for group in ("data", "backbone", "optimizer")]
    if not record.get("data"):
        chosen[0] = f"task={record.get('task')}"
    if not any(one.partition("=")[2] for one in chosen):
        return str(record["name"])  # nothing is known but that it failed
    told = {*_FIRST, "seed"}
    further = [
        o
        for o in overrides
        if _key(o) not in told
        and _group(o) not in _UNTOLD
        and not _key(o).startswith("trainer.checkpoint.")  # changes no result
    ]
    return _joined([*chosen, *further, f"seed={record.get('seed')}"])


def _joined(overrides: Iterable[str]) -> str:
    place = {key: number for number, key in enumerate(_FIRST)} | {"seed": len(_FIRST) + 1}
    ordered = sorted(overrides, key=lambda one: place.get(_key(one), len(_FIRST)))
    name = " · ".join(text for text in map(_short, ordered) if text)
    name = in_a_line(name)
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def _short(override: str) -> str:
    """Say an override in a word or two: `experiment=demo/digits` is "digits"."""
    key, _, value = override.partition("=")
    value = value.strip("'\"").rstrip("/").rpartition("/")[2]
    if key in _FIRST:
        return value
    return f"seed {value}" if key == "seed" else f"{key.rpartition('.')[2]}={value}"


def _key(override: str) -> str:
    return override.lstrip("~").partition("=")[0]


def _group(override: str) -> str:
    return _key(override).partition(".")[0].partition("/")[0]


def note_of(record: Record, picture: str = "") -> str:
    """Return a run's description in Markdown: what came of it, the target, others, what it was.

    picture: address of its curves. The first line is what a table of runs shows, without marks.
    """
    told_of = [_outcome(record), *_target(record), *_others(record), _made_of(record)]
    lines = [markdown_text(line) for line in told_of]
    if record.get("overrides"):
        told = in_a_line(" ".join(record["overrides"])).replace("`", "'")
        lines.append(f"`triathlon {told}`")
    text = "\n\n".join(line for line in lines if line)[:LONGEST_NOTE]
    shown = f"\n\n![Learning curves]({picture})"
    return text + shown if picture and len(text) + len(shown) <= LONGEST_NOTE else text


def _words(metric: str) -> str:
    return metric.replace("_", " ")


def _outcome(record: Record) -> str:
    status, primary = record["status"], record.get("primary", "")
    if status == "failed":
        return f"failed: {record.get('error') or 'for a reason unknown'}"
    if status == "pruned":
        return "given up early, as it was worse than others of its search"
    name = f"test/{primary}"
    if name not in record.get("metrics", {}):
        return ""
    told = f"test {_words(primary)} {record['metrics'][name]:.4f}"
    interval = (record.get("intervals") or {}).get(name)
    if interval:
        items = (record["data_card"].get("sizes") or {}).get("test")
        over = f"{items:,} test items" if items else "test items"
        told += f", 95% {interval[0]:.4f} to {interval[1]:.4f} over {over}"
    return told


def _target(record: Record) -> Iterator[str]:
    target, reached = record.get("target"), record.get("reached")
    if not target:
        return
    sign = "≤" if target.get("direction") == "minimize" else "≥"
    goal = f"target, validation {_words(target['metric'])} {sign} {target['threshold']:g}"
    if reached:
        seconds = reached.get("training_seconds")
        after = f" and {seconds:.1f} s of training" if seconds is not None else ""
        yield f"{goal}: reached after {reached['step']:,.0f} steps{after}"
    elif record["status"] == "finished":
        yield f"{goal}: missed"


def _others(record: Record) -> Iterator[str]:
    for standing in list(record.get("standings") or ())[:1]:
        for kind, who in (("published", "best published"), ("people", "people")):
            other = standing.get(kind)
            if other:
                verdict = f": {other['verdict']}" if other.get("verdict") else ""
                yield f"{who} {other['value']:.4f} ({other['name']}){verdict}"


def _made_of(record: Record) -> str:
    card = record.get("data_card") or {}
    name = card.get("name") or record.get("data") or ""
    data = f"{name} (synthetic data)" if card.get("synthetic") else name
    how = " + ".join(record[key] for key in ("backbone", "optimizer") if record.get(key))
    parts = [f"{how} on {record.get('task')}" + (f" / {data}" if data else "")]
    parts.append(f"seed {record.get('seed')}")
    parameters = (record.get("model") or {}).get("parameters")
    if parameters:
        parts.append(f"{parameters:,.0f} parameters")
    if record.get("steps"):
        epochs = f" in {record['epochs']:.1f} epochs" if record.get("epochs") else ""
        parts.append(f"{record['steps']:,} steps{epochs}")
    if record.get("training_seconds"):
        parts.append(f"{record['training_seconds']:.1f} s of training")
    rate = (record.get("throughput") or {}).get("examples_per_second")
    if rate:
        parts.append(f"{rate:,.0f} examples/s")
    return ", ".join(parts)
