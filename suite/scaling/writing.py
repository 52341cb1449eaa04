"""Writes what scaling experiments found: scaling.md, scaling.json and pictures."""

import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from suite.data.cache import atomic_path
from suite.insight.finding import Finding
from suite.report.tables import markdown_table
from suite.trust.text import markdown_text

SCHEMA = 1


def write(findings: Sequence[Finding], folder: Path) -> list[Path]:
    """Write the files, each whole or not at all; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = _pictures(findings)
    sections = [
        {
            "name": one.name,
            "title": one.title,
            "lines": list(one.lines),
            "tables": [
                {"title": t.title, "headings": list(t.headings), "rows": [list(r) for r in t.rows]}
                for t in one.tables
                if t.rows
            ],
            "pictures": [name for name, of, _ in pictures if of is one],
            "numbers": _finite(dict(one.numbers)),
        }
        for one in findings
    ]
    contents = {name: content for name, _, content in pictures}
    plain = json.dumps({"schema": SCHEMA, "sections": sections}, indent=1, allow_nan=False)
    contents["scaling.json"] = (plain + "\n").encode()
    contents["scaling.md"] = _markdown(sections).encode()
    for name, content in contents.items():
        with atomic_path(folder / name) as path:
            path.write_bytes(content)
    return [folder / name for name in contents]


def _pictures(findings: Sequence[Finding]) -> list[tuple[str, Finding, bytes]]:
    """Return file names, of which of several with one name the later are numbered."""
    found: list[tuple[str, Finding, bytes]] = []
    seen: Counter[str] = Counter()
    for one in findings:
        for figure in one.figures:
            seen[figure.name] += 1
            number = f"_{seen[figure.name]}" if seen[figure.name] > 1 else ""
            found.append((f"{figure.name}{number}{figure.suffix}", one, figure.content))
    return found


def _markdown(sections: Sequence[dict[str, Any]]) -> str:
    parts = ["# Scaling\n"]
    for section in sections:
        parts.append(f"## {markdown_text(section['title'])}\n")
        parts += [f"- {markdown_text(line)}." for line in section["lines"]]
        parts += [f"\n![{name}]({name})" for name in section["pictures"]]
        for table in section["tables"]:
            # Cells hold sentences and intervals: set to the left, as text is.
            cells = markdown_table(table["headings"], table["rows"], ())
            parts.append(f"\n{markdown_text(table['title'])}:\n\n{cells}")
        parts.append("")
    return "\n".join(parts)


def _finite(value: Any) -> Any:
    """Return it with infinities and what is no number as None: JSON has neither."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
