"""A terminal that shows text of others as text: rich alone hands escape sequences on."""

from typing import Any

from rich.console import Console
from rich.text import Text

from suite.trust.text import printable


class Terminal(Console):
    """rich's console, which writes control characters out wherever it turns a `str` into text."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(printable(text), **options)
