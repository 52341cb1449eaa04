"""`triathlon list`: tasks, data sets, backbones, optimizers and the rest, a line each."""

import argparse
import pkgutil
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

from suite.config import SCHEMAS
from suite.plugins import Found, find

GROUPS = ("task", "data", "backbone", "loss", "optimizer", "schedule", "precision", "hardware",
          "trainer", "tracking", "experiment")  # fmt: skip


def main(arguments: list[str]) -> int:
    """List what `conf/` and the plugins offer."""
    parser = argparse.ArgumentParser("triathlon list", description=main.__doc__)
    parser.add_argument("group", nargs="*", choices=[*GROUPS, []], help="groups to list")
    chosen = parser.parse_args(arguments).group or GROUPS
    found = find()
    for group in chosen:
        rows = dict(sorted(options(group, found).items()))
        if rows:
            print(f"\n{group}")
            width = max(len(name) for name in rows)
            for name, line in rows.items():
                print(f"  {name:<{width}}  {line}")
    for name, error in found.broken.items():
        print(f"\nplugin {name} does not load: {error}")
    return 0


def options(group: str, found: Found) -> dict[str, str]:
    """Return the options of a group with the first comment of each file."""
    schemas = {**SCHEMAS, **{k: v for p in found.plugins.values() for k, v in p.schemas.items()}}
    rows: dict[str, str] = {}
    for folder in _folders(group, found):
        for file in folder.iterdir():
            name, dot, ending = file.name.rpartition(".")
            if dot and ending == "yaml" and name not in rows:
                rows[name] = _comment(file) + _suits(group, name, schemas)
    return rows


def _folders(group: str, found: Found) -> Iterator[Traversable]:
    packages = ["conf"]
    packages += [p.conf.removeprefix("pkg://") for p in found.plugins.values() if p.conf]
    for package in packages:
        if pkgutil.resolve_name(package):
            folder = files(package) / group
            if folder.is_dir():
                yield folder


def _comment(file: Traversable) -> str:
    lines = (line for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("#"))
    lines = (line.lstrip("# ") for line in lines)
    return next((line for line in lines if line and not line.startswith("@package")), "")


def _suits(group: str, name: str, schemas: Mapping[str, type]) -> str:
    """Say of a data set which kind of task reads it."""
    kind = getattr(schemas.get(f"{group}/{name}"), "kind", "")
    return f" [{kind}]" if group == "data" and kind else ""
