"""The files of a new task, from the templates beside this module, and how they are written."""

import shutil
import tempfile
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template

from suite.errors import ConfigError
from suite.new.likeness import LIKE
from suite.new.naming import kind_of

Files = Mapping[str, str]
"""Content by path, relative to where they are written."""


def package_files(name: str, like: str) -> Files:
    """Return a package of its own: entry point, configuration, test and README."""
    words = _words(name, like, module=name)
    return {
        "pyproject.toml": _filled("package/pyproject.toml", words),
        "README.md": _filled("package/README.md", words),
        f"{name}/__init__.py": _filled("package/__init__.py", words),
        f"{name}/config.py": _filled("config.py", words),
        f"{name}/task.py": _filled(f"like/{like}.py", words),
        f"{name}/conf/__init__.py": _filled("package/conf.py", words),
        f"{name}/conf/task/{name}.yaml": _filled("task.yaml", words),
        f"{name}/conf/data/{name}.yaml": _filled("data.yaml", words),
        f"tests/test_{name}.py": _filled("package/test.py", words),
    }


def tree_files(name: str, like: str) -> Files:
    """Return the files of a task in a checkout of the suite."""
    words = _words(name, like, module=f"tasks.{name}")
    return {
        f"tasks/{name}/__init__.py": _filled("tree/__init__.py", words),
        f"tasks/{name}/config.py": _filled("config.py", words),
        f"tasks/{name}/task.py": _filled(f"like/{like}.py", words),
        f"conf/task/{name}.yaml": _filled("task.yaml", words),
        f"conf/data/{name}.yaml": _filled("data.yaml", words),
        f"tests/unit/tasks/{name}/test_data.py": _filled("tree/test.py", words),
    }


def write_package(folder: Path, made: Files) -> None:
    """Write a new folder, all of it or nothing; raise a `ConfigError` where it is there."""
    if folder.exists() or folder.is_symlink():
        raise ConfigError(f"{folder}: is there already, and nothing is overwritten; give --to …")
    folder.parent.mkdir(parents=True, exist_ok=True)
    begun = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        for path, text in made.items():
            _write(begun / path, text)
        begun.chmod(0o777 & ~_umask())
        begun.rename(folder)
    finally:
        shutil.rmtree(begun, ignore_errors=True)


def write_beside(root: Path, made: Files, changed: Files) -> None:
    """Write new files into a tree that exists and change some of its own, all or nothing.

    Raises a `ConfigError` where one of the new files is there.
    """
    for path in made:
        if (root / path).exists():
            raise ConfigError(f"{root / path}: is there already, and nothing is overwritten")
    before = {path: (root / path).read_text(encoding="utf-8") for path in changed}
    try:
        for path, text in {**made, **changed}.items():
            _write(root / path, text)
    except BaseException:
        for path in made:
            (root / path).unlink(missing_ok=True)
        for path, text in before.items():
            _write(root / path, text)
        raise


def _words(name: str, like: str, *, module: str) -> Mapping[str, str]:
    imports = sorted([f"from {module}.config import SCHEMAS", "from suite import Plugin"])
    names = {"name": name, "kind": kind_of(name), "module": module, "imports": "\n".join(imports)}
    return {**names, "project": name.replace("_", "-"), **LIKE[like].words()}


def _filled(template: str, words: Mapping[str, str]) -> str:
    folder = files("suite.new").joinpath("templates")
    text = folder.joinpath(f"{template}.template").read_text(encoding="utf-8")
    return Template(text).substitute(words)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _umask() -> int:
    import os

    mask = os.umask(0)
    os.umask(mask)
    return mask
