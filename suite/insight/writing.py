"""What was found, in the run's folder: numbers as JSON, words and tables as Markdown, pictures.

`insight/insight.json` holds everything, section by section; what is looked into again takes the
place of what was found before, and other sections stay.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from suite.data.cache import atomic_path
from suite.insight.finding import Finding
from suite.trust.text import markdown_text

FOLDER, NUMBERS, WORDS = "insight", "insight.json", "insight.md"


def write(run: Path, findings: Sequence[Finding], order: Sequence[str]) -> list[Path]:
    """Write findings into the run's folder; return the files written, the JSON first.

    order: the names of all sections, as they are to follow each other.
    """
    folder = run / FOLDER
    kept = {section["name"]: section for section in read(run)}
    written: list[Path] = []
    for finding in findings:
        files = []
        for figure in finding.figures:
            own = figure.name.startswith(finding.name)
            name = figure.name if own else f"{finding.name}_{figure.name}"
            path = folder / f"{name}{figure.suffix}"
            with atomic_path(path) as temporary:
                temporary.write_bytes(figure.content)
            files.append(path.name)
            written.append(path)
        for name in set(kept.get(finding.name, {}).get("files", ())) - set(files):
            (folder / Path(str(name)).name).unlink(missing_ok=True)
        kept[finding.name] = _plain(finding, files)
    sections = sorted(kept.values(), key=lambda one: _place(one["name"], order))
    text = json.dumps({"run": run.name, "sections": sections}, indent=1, allow_nan=False)
    for name, content in ((NUMBERS, text + "\n"), (WORDS, _markdown(run.name, sections))):
        with atomic_path(folder / name) as temporary:
            temporary.write_text(content, encoding="utf-8")
    return [folder / NUMBERS, folder / WORDS, *written]


def read(run: Path) -> list[dict[str, Any]]:
    """Return the sections that were found before; none where there is no file, or a broken one."""
    try:
        told = json.loads((run / FOLDER / NUMBERS).read_text(encoding="utf-8"))
        return [one for one in told["sections"] if isinstance(one["name"], str)]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def metrics_of(sections: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the metrics of sections as MLflow gets them."""
    return {
        f"insight/{section['name']}/{name}": float(value)
        for section in sections
        for name, value in section.get("metrics", {}).items()
        if isinstance(value, int | float)
    }


def _place(name: str, order: Sequence[str]) -> tuple[int, str]:
    return (order.index(name) if name in order else len(order), name)


def _plain(finding: Finding, files: Sequence[str]) -> dict[str, Any]:
    return {
        "name": finding.name,
        "title": finding.title,
        "lines": list(finding.lines),
        "tables": [
            {"title": table.title, "headings": list(table.headings),
             "rows": [list(row) for row in table.rows]}
            for table in finding.tables
        ],
        "files": list(files),
        "numbers": _finite(finding.numbers),
        "metrics": {k: float(v) for k, v in finding.metrics.items() if math.isfinite(v)},
    }  # fmt: skip


def _finite(value: Any) -> Any:
    """Return the value with null for numbers that JSON has no word for."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value


def _markdown(run: str, sections: Sequence[Mapping[str, Any]]) -> str:
    lines = [f"# What {markdown_text(run)} learned", ""]
    for section in sections:
        lines += [f"## {markdown_text(section['title'])}", ""]
        lines += [f"{markdown_text(line)}\n" for line in section["lines"]]
        for table in section["tables"]:
            headings = [markdown_text(cell) for cell in table["headings"]]
            lines += [f"{markdown_text(table['title'])}:", "", _row(headings)]
            lines.append(_row(["---"] * len(headings)))
            lines += [_row([markdown_text(cell) for cell in row]) for row in table["rows"]]
            lines.append("")
        for name in section["files"]:
            mark = "!" if name.endswith(".png") else ""
            lines += [f"{mark}[{markdown_text(name)}]({name})", ""]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
