"""Text from elsewhere (labels, file names, errors) made safe to print and to put into tables."""

import re

_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters but tab and newline, those that turn the direction of writing, and halves of
characters, which stand for bytes of a file's name that are no text."""
_HEAD = re.compile(r"^(\s*(?:#|>|```|~~~|[-*+]\s))")
"""What makes a heading, a quotation, code or a list of a line that it begins."""
_FORMULA = re.compile(r"[=+\-@\t\r]")


def printable(text: str) -> str:
    r"""Return the text with control characters written out (`\x1b`).

    A terminal takes them for commands, which can rewrite what is on it, or its title.
    """
    return _CONTROL.sub(_written_out, text)


def in_a_line(text: str) -> str:
    r"""Return the text as one line without control characters; a newline becomes `\n`."""
    return printable(text.replace("\n", "\\n").replace("\t", " "))


def markdown_text(text: str) -> str:
    """Return the text as one line of Markdown that has no markup, link or picture of its own.

    What it says stays readable where Markdown is not rendered.
    """
    text = in_a_line(text).replace("&", "&amp;").replace("<", "&lt;")
    # `](` makes a link of the words in front, and a picture is fetched from wherever it says.
    return _HEAD.sub(r"\\\1", text.replace("](", "]\\(").replace("|", "\\|"))


def figure_text(text: str) -> str:
    r"""Return the text for a figure: matplotlib sets what is between two `$` as a formula."""
    return in_a_line(text).replace("$", r"\$")


def csv_cell(value: object) -> object:
    """Return the value of a CSV cell; a text that a spreadsheet would compute gets an apostrophe.

    Numbers are left as they are.
    """
    if not isinstance(value, str) or not _FORMULA.match(value):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def _written_out(found: "re.Match[str]") -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
