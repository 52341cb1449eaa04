"""`triathlon new task NAME --like image`: a working plugin to begin with."""

import argparse
import os
from pathlib import Path

from suite.errors import ConfigError
from suite.new.checkout import checkout_of, registered
from suite.new.files import package_files, tree_files, write_beside, write_package
from suite.new.likeness import LIKE
from suite.new.naming import check_name
from suite.plugins import find


def main(arguments: list[str]) -> int:
    """Write a task that trains at once on a small set of its own, and that you then change."""
    chosen = _parser().parse_args(arguments)
    check_name(chosen.name, find(), package=chosen.package)
    try:
        if chosen.package:
            _package(chosen.name, chosen.like, chosen.to or Path())
        else:
            _in_tree(chosen.name, chosen.like, chosen.to or Path())
    except OSError as error:
        raise ConfigError(
            f"--to {chosen.to or '.'}: cannot be written ({error.strerror}); give another folder"
        ) from error
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("triathlon new", description=main.__doc__)
    parser.add_argument("what", choices=["task"], help="what to write")
    parser.add_argument("name", help="of the task and its module: lower case, as bird_songs")
    parser.add_argument("--like", choices=sorted(LIKE), required=True, help="what it reads")
    parser.add_argument(
        "--package", action="store_true", help="a package of its own, not part of a checkout"
    )
    parser.add_argument(
        "--to", type=Path, help="folder to write the package into, or the checkout (default: here)"
    )
    return parser


def _package(name: str, like: str, to: Path) -> None:
    made = package_files(name, like)
    folder = to / name
    write_package(folder, made)
    shown = os.path.relpath(folder)
    print(*(f"wrote {shown}/{path}" for path in made), sep="\n")
    print("\nnext:")
    print(f"  pip install -e {shown}   # into the environment of Triathlon")
    _print_next(name, f"{shown}/{name}/task.py")


def _in_tree(name: str, like: str, to: Path) -> None:
    root = checkout_of(to.resolve())
    if root is None:
        raise ConfigError(
            f"new task {name}: {to.resolve()} is in no checkout of Triathlon; give --package for "
            "a package of its own"
        )
    made, changed = tree_files(name, like), registered(root, name)
    write_beside(root, made, changed)
    print(*(f"wrote {path}" for path in made), sep="\n")
    print(*(f"changed {path}" for path in changed), sep="\n")
    print("\nnext:")
    print("  triathlon references --markdown > docs/references.md")
    print("  python tests/golden/regenerate.py")
    _print_next(name, f"tasks/{name}/task.py")


def _print_next(name: str, file: str) -> None:
    print(f"  triathlon check {name}      # is the task sound?")
    print(f"  triathlon task={name}       # train it")
    print(f"then put your own data and model into {file}")
