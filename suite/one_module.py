"""Plugins that are one module: their configuration stands in it, and is read without importing it.

The module of a task needs torch, which takes seconds to import; `triathlon list` has no use for it.
"""

import ast
import re
from collections.abc import Mapping
from importlib.machinery import ModuleSpec
from pathlib import Path

from suite.errors import PluginError

_NAME = "CONF"
_FIX = f'''give it {_NAME} = {{"task/NAME": """the YAML"""}}, written out, or a folder conf/'''


def written_in(spec: ModuleSpec) -> Mapping[str, str]:
    """Return the text of each YAML file that a module has in `CONF`, by its name, as "task/chess".

    Raises a `PluginError` where there is no such literal, or a name has no group.
    """
    path = Path(spec.origin or "")
    if path.suffix != ".py":
        raise PluginError(f"module {spec.name} has no source; {_FIX}")
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    values = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == _NAME for target in node.targets)
    ]
    try:
        found = ast.literal_eval(values[0]) if values else None
    except ValueError:
        found = None
    if not isinstance(found, dict) or not found:
        raise PluginError(f"{path}: has no {_NAME}; {_FIX}")
    for name, text in found.items():
        if not (isinstance(name, str) and re.fullmatch(r"\w+(/\w+)+", name)):
            raise PluginError(f"{path}: {_NAME} has {name!r}; name a group and a file: task/NAME")
        if not isinstance(text, str):
            raise PluginError(f"{path}: {_NAME}[{name!r}] is no text; write the YAML in quotes")
    return found


def package_of(text: str) -> str | None:
    """Return what a YAML's header says it is part of (`# @package _global_`); None without one."""
    header = re.search(r"^# @package (\S+)$", text, re.MULTILINE)
    return header[1] if header else None
