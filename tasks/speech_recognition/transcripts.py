"""What was said beside what was heard, with errors marked: as a page, and as plain text.

Recordings stand in order of their errors. Of many, the worst are shown and some of the rest.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from itertools import chain

from tasks.speech_recognition.error_rate import Pair, Text, align, errors, words

_WORST, _SAMPLE, _FREQUENT = 100, 100, 20
"""How many of the worst recordings, of the others, and of the most frequent errors are shown."""

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em; color: #222; background: #fff; }
table { border-collapse: collapse; margin: 0.6em 0 1.2em; }
th, td { padding: 0.1em 0.9em 0.1em 0; text-align: left; vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
.line span { display: inline-block; margin: 0 0.15em 0.3em 0; padding: 0 0.25em; }
.line b { display: block; font-weight: normal; min-height: 1.5em; }
.line i { display: block; font-style: normal; min-height: 1.5em; }
.substituted { background: #ffe3a3; } .deleted { background: #ffc9c9; }
.inserted { background: #c8e6ff; } .deleted b { text-decoration: line-through; }
.name { color: #666; }
"""


@dataclass(frozen=True)
class Transcripts:
    """Recordings of one split. texts: by the name of the decoder that heard them; all have the same
    recordings in the same order, and the first ranks them. character_error_rates: by decoder.
    """

    title: str
    texts: Mapping[str, Sequence[Text]]
    character_error_rates: Mapping[str, float]

    @cached_property
    def aligned(self) -> Mapping[str, list[list[Pair]]]:
        """The words of each recording aligned, by decoder."""
        return {
            decoder: [align(words(text.said), words(text.heard)) for text in texts]
            for decoder, texts in self.texts.items()
        }

    @cached_property
    def shown(self) -> list[int]:
        """Which recordings are shown: the worst first, then some of the rest, spread evenly."""
        first = next(iter(self.aligned.values()))
        order = sorted(range(len(first)), key=lambda i: (-errors(first[i]), i))
        rest = order[_WORST:]
        step = max(len(rest) / _SAMPLE, 1.0)
        return order[:_WORST] + [rest[int(k * step)] for k in range(min(len(rest), _SAMPLE))]

    def html(self) -> str:
        """Return a page of its own, without scripts."""
        rows = "".join(
            "<tr>" + "".join(f'<td class="number">{escape(cell)}</td>' for cell in row) + "</tr>"
            for row in self._totals()
        )
        head = "".join(f"<th>{escape(cell)}</th>" for cell in _COLUMNS)
        frequent = "".join(
            f'<tr><td class="number">{count}</td><td>{escape(said or "–")}</td>'
            f"<td>{escape(heard or '–')}</td></tr>"
            for (said, heard), count in self._frequent()
        )
        return "\n".join(
            [
                f'<!doctype html>\n<meta charset="utf-8">\n<title>{escape(self.title)}</title>',
                f"<style>{_STYLE}</style>\n<h1>{escape(self.title)}</h1>",
                f"<table><tr>{head}</tr>{rows}</table>",
                '<p class="line"><span class="substituted">substituted</span> '
                '<span class="deleted">deleted</span> <span class="inserted">inserted</span> '
                "Said above, heard below.</p>",
                "<h2>Most frequent errors</h2>",
                f"<table><tr><th>times</th><th>said</th><th>heard</th></tr>{frequent}</table>",
                f"<h2>{escape(self._heading())}</h2>",
                *(self._recording(i) for i in self.shown),
            ]
        )

    def text(self) -> str:
        """Return plain text, errors marked with S, D and I below."""
        lines = [self.title, "", *_in_columns([_COLUMNS, *self._totals()]), ""]
        frequent = [(str(n), said or "-", heard or "-") for (said, heard), n in self._frequent()]
        lines += ["Most frequent errors", *_in_columns([("times", "said", "heard"), *frequent])]
        lines += ["", self._heading()]
        for i in self.shown:
            lines += ["", self._name(i)]
            for decoder, aligned in self.aligned.items():
                lines += [f"  {decoder}", *(f"    {line}" for line in _marked(aligned[i]))]
        return "\n".join([*lines, ""])

    def _totals(self) -> Iterator[tuple[str, ...]]:
        for decoder, aligned in self.aligned.items():
            pairs = list(chain.from_iterable(aligned))
            spoken = sum(said is not None for said, _ in pairs)
            kinds = Counter(_kind(pair) for pair in pairs)
            yield (
                decoder,
                f"{errors(pairs) / max(spoken, 1):.1%}",
                f"{self.character_error_rates[decoder]:.1%}",
                str(spoken),
                *(str(kinds[kind]) for kind in ("substituted", "deleted", "inserted")),
                f"{sum(not errors(one) for one in aligned)} of {len(aligned)}",
            )

    def _frequent(self) -> list[tuple[Pair, int]]:
        first = next(iter(self.aligned.values()))
        count = Counter(pair for pair in chain.from_iterable(first) if pair[0] != pair[1])
        ordered = sorted(count.items(), key=lambda item: (-item[1], str(item[0])))
        return ordered[:_FREQUENT]

    def _heading(self) -> str:
        count = len(next(iter(self.texts.values())))
        if len(self.shown) == count:
            return f"All {count} recordings, the worst first"
        rest = len(self.shown) - _WORST
        return f"The {_WORST} worst of {count} recordings, then {rest} of the others"

    def _name(self, i: int) -> str:
        return next(iter(self.texts.values()))[i].name

    def _recording(self, i: int) -> str:
        lines = [f'<p class="name">{escape(self._name(i))}</p>', "<table>"]
        for decoder, aligned in self.aligned.items():
            spans = "".join(
                f'<span class="{_kind(pair)}"><b>{escape(pair[0] or "")}</b>'
                f"<i>{escape(pair[1] or '')}</i></span>"
                for pair in aligned[i]
            )
            lines.append(f'<tr><td>{escape(decoder)}</td><td class="line">{spans}</td></tr>')
        return "\n".join([*lines, "</table>"])


_COLUMNS = (
    "decoder", "word error rate", "character error rate", "words", "substituted", "deleted",
    "inserted", "without an error",
)  # fmt: skip


def _kind(pair: Pair) -> str:
    said, heard = pair
    if said == heard:
        return "right"
    return "inserted" if said is None else "deleted" if heard is None else "substituted"


def _marked(pairs: Sequence[Pair]) -> list[str]:
    """Return what was said, what was heard below it, and a letter below each error."""
    mark = {"right": "", "substituted": "S", "deleted": "D", "inserted": "I"}
    columns = [
        (said or "*" * len(heard or ""), heard or "*" * len(said or ""), mark[_kind((said, heard))])
        for said, heard in pairs
    ]
    return _in_columns([("said:", "heard:", ""), *columns], by_column=True)


def _in_columns(rows: Sequence[Sequence[str]], *, by_column: bool = False) -> list[str]:
    """Return lines with the cells of each column below each other."""
    columns = list(rows) if by_column else list(zip(*rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in zip(*columns, strict=True)
    ]
