"""`triathlon doctor`: what on this machine a run would stumble over, and how to mend it."""

import argparse
import enum
import importlib.metadata
import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from suite.data.cache import cache_folder
from suite.plugins import find

_GIGABYTE = 1e9
_PLENTY_BYTES = 2 * _GIGABYTE
"""Room for a large sweep's models and journals."""
_SCARCE_BYTES = 0.2 * _GIGABYTE
"""Less than this does not hold one run of every task."""
_SLOW_SECONDS = 1.0
"""What a plugin may take to load before it is felt at every command."""


class Health(enum.Enum):
    """How bad it is. Only `fail` keeps the suite from running."""

    ok = "green"
    warn = "yellow"
    fail = "red"


@dataclass(frozen=True)
class Check:
    """One thing looked at: what was found and, where that is not well, how to mend it."""

    name: str
    health: Health
    found: str
    mend: str = ""


def main(arguments: list[str]) -> int:
    """Check versions, threads, GPU, disk, tracker, data and plugins; say how to mend them."""
    parser = argparse.ArgumentParser("triathlon doctor", description=main.__doc__)
    parser.add_argument("results", nargs="?", type=Path, default=Path("results"))
    parser.add_argument("--uri", help="MLflow tracking URI (default: sqlite in the results folder)")
    chosen = parser.parse_args(arguments)
    from rich.markup import escape
    from rich.table import Table

    from suite.trust.terminal import Terminal

    table = Table("check", "", "found", "how to mend it")
    failed = False
    for check in examine(chosen.results, chosen.uri):
        health = f"[{check.health.value}]{check.health.name}[/]"
        table.add_row(check.name, health, escape(check.found), escape(check.mend))
        failed = failed or check.health is Health.fail
    Terminal().print(table)
    return 1 if failed else 0


def examine(results: Path, uri: str | None) -> Iterator[Check]:
    """Yield all checks; those that need no import come first."""
    yield from packages()
    yield from plugins()
    yield disk("results", results, "choose another folder with results=…")
    cache = cache_folder(None)
    yield disk("cache", cache, "choose another folder with TRIATHLON_CACHE or cache=…")
    yield speech()
    yield from torch()
    yield tracker(results, uri)


def packages(distribution: str = "triathlon") -> Iterator[Check]:
    """Compare what is installed with what the distribution requires."""
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

    described = importlib.metadata.metadata(distribution)
    wanted = SpecifierSet(described["Requires-Python"] or "")
    python = platform.python_version()
    if not wanted.contains(python, prereleases=True):
        yield Check("python", Health.fail, python, f"use Python {wanted}")
    wrong = False
    for line in importlib.metadata.requires(distribution) or []:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        mend = f"pip install '{requirement.name}{requirement.specifier}'"
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            wrong = True
            yield Check(requirement.name, Health.fail, "not installed", mend)
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            wrong = True
            yield Check(requirement.name, Health.warn, version, mend)
    if not wrong:
        yield Check("packages", Health.ok, f"all within their ranges, on Python {python}")


def plugins() -> Iterator[Check]:
    """Say which plugins load, which do not, which do not go together, and which are slow."""
    found = find()
    for name, error in found.broken.items():
        mend = "update or uninstall the package that brings it; the others work"
        yield Check(f"plugin {name}", Health.warn, error, mend)
    for clash in found.clashing:
        what, _, mend = clash.partition(": ")
        yield Check("plugins", Health.fail, what, mend)
    for name, seconds in found.seconds.items():
        if seconds > _SLOW_SECONDS:
            mend = "import torch and the like in the task's own file: every command waits for this"
            yield Check(f"plugin {name}", Health.warn, f"takes {seconds:.1f} s to load", mend)
    if found.plugins:
        yield Check("plugins", Health.ok, ", ".join(sorted(found.plugins)))
    else:
        yield Check("plugins", Health.fail, "none loads: there is no task", "reinstall triathlon")


def disk(name: str, folder: Path, otherwise: str) -> Check:
    """Look for room and permission at a folder, or where it would be made."""
    folder = folder.absolute()
    parent = next(p for p in (folder, *folder.parents) if p.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        return Check(name, Health.fail, f"{parent} cannot be written", otherwise)
    free = shutil.disk_usage(parent).free
    found = f"{free / _GIGABYTE:,.1f} GB free at {folder}"
    if free < _SCARCE_BYTES:
        return Check(name, Health.fail, found, f"free some, or {otherwise}")
    if free < _PLENTY_BYTES:
        return Check(name, Health.warn, found, f"enough for some runs; {otherwise}")
    return Check(name, Health.ok, found)


def speech() -> Check:
    """Say whether the synthetic speech sets can be made."""
    try:
        version = importlib.metadata.version("espeakng-loader")
    except importlib.metadata.PackageNotFoundError:
        found = "espeakng-loader is not installed: no spoken_words, no spoken_digits_ctc"
        return Check("embedded speech", Health.warn, found, "pip install 'triathlon[synth]'")
    return Check("embedded speech", Health.ok, f"espeakng-loader {version}")


def torch() -> Iterator[Check]:
    """Import torch; describe threads and GPU."""
    try:
        import torch
    except (ImportError, OSError) as error:
        told = str(error).splitlines()[0]
        yield Check("torch", Health.fail, f"cannot be imported ({told})", "reinstall torch")
        return
    yield threads(torch.get_num_threads(), _cores())
    if torch.cuda.is_available():
        yield Check("GPU", Health.ok, torch.cuda.get_device_name())
    elif Path("/dev/nvidiactl").exists():
        mend = "update the NVIDIA driver to one that knows CUDA " + (torch.version.cuda or "…")
        yield Check("GPU", Health.warn, "there is one that torch cannot use", mend)
    else:
        yield Check("GPU", Health.ok, "none: runs take the CPU")


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads(used: int, cores: int) -> Check:
    """Compare torch's threads with the cores that this process may use."""
    found = f"{used} for {cores} cores"
    if used > cores:
        return Check("threads", Health.warn, found, f"set hardware.threads={cores}")
    return Check("threads", Health.ok, found)


def tracker(results: Path, uri: str | None) -> Check:
    """Connect to MLflow; in a new results folder this creates the database."""
    from suite.tracking.store import problem, shown, uri_of

    place = uri_of(results, uri)
    told = problem(results, place)
    if told is None:
        return Check("tracker", Health.ok, shown(place))
    mend = (
        "start the server, or leave tracking.uri out; runs go on and `triathlon sync` sends later"
    )
    return Check("tracker", Health.warn if uri else Health.fail, told, mend)
