"""What was measured as a page: `gpu.md`, with all figures in `gpu.json`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]
_COLUMNS = (
    "model", "format", "parameters", "examples/s", "step ms p50", "p99", "MFU", "memory GiB",
    "J/example", "waits for data", "first loss", "last loss", "deterministic", "seconds",
)  # fmt: skip
GIB = 2**30


def write(
    to: Path, machine: Row, versions: Row, rows: Sequence[Row], answers: Sequence[Row]
) -> None:
    """Write both files into the folder `to`."""
    to.mkdir(parents=True, exist_ok=True)
    whole = {"machine": machine, "versions": versions, "cells": rows, "checks": answers}
    (to / "gpu.json").write_text(json.dumps(whole, indent=1) + "\n")
    (to / "gpu.md").write_text(page(machine, versions, rows, answers))


def page(machine: Row, versions: Row, rows: Sequence[Row], answers: Sequence[Row]) -> str:
    """Return the page."""
    where = machine.get("accelerator") or machine["processor"]
    driver = f", driver {machine['driver']}" if "driver" in machine else ""
    lines = [
        "# The suite on an accelerator", "",
        f"{where}{driver}, torch {versions['torch']}, Python {versions['python']}. "
        "`python -m benchmarks.gpu` measures it anew.", "",
        "| " + " | ".join(_COLUMNS) + " |", "|" + "---|" * len(_COLUMNS),
        *(_line(row) for row in rows), "",
        "| promise | model | held | |", "|---|---|---|---|",
        *(
            f"| {one['question']} | {one['model']} | {'yes' if one['held'] else '**no**'} "
            f"| {_cell(one['note'])} |"
            for one in answers
        ),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _line(row: Row) -> str:
    form = row["number"] + (", compiled" if row["compiled"] else "")
    form += "" if row["deterministic"] else ", not deterministic"
    if "error" in row:
        return f"| {row['model']} | {form} | {_cell(row['error'])} |" + " |" * (len(_COLUMNS) - 3)
    speed, per = row["throughput"], row["energy"].get("joules_per_example")
    peak = row["memory"].get("device_peak_bytes")
    values = [
        row["model"], form, f"{row['parameters'] / 1e6:.1f} M",
        f"{speed['examples_per_second']:,.0f}", f"{1e3 * speed['step_seconds_p50']:.2f}",
        f"{1e3 * speed['step_seconds_p99']:.2f}",
        f"{speed['mfu']:.1%}" if "mfu" in speed else "", f"{peak / GIB:.2f}" if peak else "",
        f"{per:.4f}" if per is not None else "", f"{speed['data_stall_share']:.1%}",
        f"{row['first_loss']:.4f}", f"{row['last_loss']:.4f}",
        row["techniques"]["deterministic"].partition(":")[0], f"{row['seconds']:.1f}",
    ]  # fmt: skip
    return "| " + " | ".join(map(_cell, values)) + " |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
