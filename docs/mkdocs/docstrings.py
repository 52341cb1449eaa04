"""Makes lists of what docstrings say of parameters and fields, for the API reference.

The docstrings explain names in plain lines (`seed: of the run. skip: batches to leave out.`),
which Markdown would run into one paragraph. An extension of Griffe, which reads the code.
"""

import re
from collections.abc import Iterable
from typing import Any

import griffe


class FieldLists(griffe.Extension):
    """Turns paragraphs that explain an object's own names into lists."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of an object, once all of its members are known."""
        if obj.docstring is not None:
            obj.docstring.value = with_lists(obj.docstring.value, names_in(obj))


def names_in(obj: griffe.Object) -> set[str]:
    """Return the names that a docstring may explain: parameters, and members of a class."""
    names: set[str] = set()
    if isinstance(obj, griffe.Function):
        names |= {parameter.name.lstrip("*") for parameter in obj.parameters}
    if isinstance(obj, griffe.Class):
        names |= set(obj.members)
        with_init = obj.members.get("__init__")
        if isinstance(with_init, griffe.Function):
            names |= names_in(with_init)
        for base in obj.bases:
            found = base.canonical_path if isinstance(base, griffe.Expr) else str(base)
            # What a dataclass inherits is among what it explains.
            with_base = obj.modules_collection.get_member(found) if _known(obj, found) else None
            if isinstance(with_base, griffe.Class):
                names |= names_in(with_base)
    return names - {"self", "cls"}


def _known(obj: griffe.Object, path: str) -> bool:
    try:
        obj.modules_collection.get_member(path)
    except (KeyError, griffe.GriffeError):
        return False
    return True


def with_lists(text: str, names: Iterable[str]) -> str:
    """Return a docstring whose lines of `name: meaning.` are the items of a list.

    A line may explain several, one sentence behind the other, and several names at once.
    """
    one = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    if not one:
        return text
    start = re.compile(rf"(?:^|(?<=[.?!)] ))((?:{one})(?:, (?:{one}))*): ", re.MULTILINE)
    return "\n\n".join(_paragraph(paragraph, start) for paragraph in text.split("\n\n"))


def _paragraph(text: str, start: re.Pattern[str]) -> str:
    found = list(start.finditer(text))
    if not found or not (found[0].start() == 0 or text[found[0].start() - 1] == "\n"):
        return text
    before = text[: found[0].start()].strip()
    items = []
    ends = [match.start() for match in found[1:]] + [len(text)]
    for match, end in zip(found, ends, strict=True):
        told = ", ".join(f"`{name}`" for name in match[1].split(", "))
        meaning = " ".join(text[match.end() : end].split())
        items.append(f"- {told}: {meaning}")
    return "\n\n".join(filter(None, (before, "\n".join(items))))
