"""A checkout of the suite, and what of it has to know of a new task."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from suite.errors import ConfigError
from suite.new.files import Files

_WIDTH = 100
"""Columns of a line of code."""
_ACROSS_LINES = re.DOTALL | re.MULTILINE
_SIGNS = ("tasks/__init__.py", "conf/config.yaml", "suite/task.py", "pyproject.toml")


def checkout_of(folder: Path) -> Path | None:
    """Return the checkout that a folder is in; None where it is in none."""
    for root in (folder, *folder.parents):
        if all((root / sign).is_file() for sign in _SIGNS):
            return root
    return None


def registered(root: Path, name: str) -> Files:
    """Return the checkout's files that list its tasks, with the new one in them.

    Raises a `ConfigError` for a file that does not list them as it used to.
    """
    changes: Mapping[str, Callable[[str], str]] = {
        "tasks/__init__.py": lambda text: _in_plugin(text, name),
        "pyproject.toml": lambda text: _in_contracts(text, name),
        "tests/conftest.py": lambda text: _in_tests(text, "EMBEDDED", name, f'["task={name}"]'),
        "tests/golden/regenerate.py": lambda text: _in_tests(text, "RUNS", name, _golden(name)),
    }
    return {
        path: change((root / path).read_text(encoding="utf-8")) for path, change in changes.items()
    }


def _in_plugin(text: str, name: str) -> str:
    """Import the task's schemas, in alphabetical place, and hand them to the plugin."""
    lines = text.splitlines(keepends=True)
    imports = [i for i, line in enumerate(lines) if line.startswith("from tasks.")]
    stated = re.search(r"^plugin = Plugin\((.*)schemas=\{(.*?)\},?\s*\)\n", text, _ACROSS_LINES)
    if not imports or stated is None:
        raise _unlisted("tasks/__init__.py", "plugin = Plugin(…, schemas={**…})")
    line = f"from tasks.{name}.config import SCHEMAS as {name.upper()}\n"
    place = next((i for i in imports if lines[i] > line), imports[-1] + 1)
    lines.insert(place, line)
    others = [one.strip() for one in stated[1].split(",") if one.strip()]
    members = [*re.findall(r"\*\*\w+", stated[2]), f"**{name.upper()}"]
    return "".join(lines).replace(stated[0], _plugin(others, members))


def _plugin(others: Sequence[str], members: Sequence[str]) -> str:
    """Return the statement that makes the plugin, on one line if it fits."""
    flat = f"plugin = Plugin({', '.join(others)}, schemas={{{', '.join(members)}}})"
    if len(flat) <= _WIDTH:
        return f"{flat}\n"
    rows = [f"    {one}," for one in others]
    rows += ["    schemas={", *(f"        {one}," for one in members), "    },"]
    return "\n".join(["plugin = Plugin(", *rows, ")"]) + "\n"


def _in_contracts(text: str, name: str) -> str:
    """Add the task to those that never import each other."""
    listed = re.search(r"modules = \[(\s*\"tasks\.[^\]]*)\]", text)
    if listed is None:
        raise _unlisted("pyproject.toml", 'modules = ["tasks.…"] of import-linter')
    members = [*re.findall(r"\"tasks\.\w+\"", listed[1]), f'"tasks.{name}"']
    return text.replace(listed[0], f"modules = [{', '.join(members)}]")


def _in_tests(text: str, where: str, name: str, overrides: str) -> str:
    """Add the task to a dictionary of the tests. overrides: those that make it small."""
    listed = re.search(rf"^{where} = \{{\n(.*?)^\}}\n", text, _ACROSS_LINES)
    if listed is None:
        raise _unlisted("tests", f"{where} = {{…}}")
    end = listed.end(1)
    return f'{text[:end]}    "{name}": {overrides},\n{text[end:]}'


def _golden(name: str) -> str:
    rows = (f"task={name}", "backbone=resnet", "backbone.width=8")
    return "\n".join(["[", *(f'        "{row}",' for row in rows), "    ]"])


def _unlisted(file: str, what: str) -> ConfigError:
    return ConfigError(f"{file}: has no {what}, where tasks are listed; is it changed by hand?")
