"""Writes what was measured: curves with intervals, steps to target, and the numbers themselves."""

import json
from pathlib import Path
from typing import Any


def read(folder: Path) -> dict[str, Any]:
    """Return what was measured before; empty where nothing was."""
    path = folder / "control.json"
    return json.loads(path.read_text()) if path.exists() else {}


def write(folder: Path, found: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "control.json").write_text(json.dumps(found, indent=1) + "\n")
