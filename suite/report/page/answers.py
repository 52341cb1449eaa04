"""The answer in plain words: which backbone is best on a board, and how sure that is."""

from dataclasses import dataclass

from suite.report.board import Board, Row
from suite.report.columns import words
from suite.report.comparison import BETTER, TOO_FEW, UNCLEAR, WORSE, Difference
from suite.report.repeats import FEWEST


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a board says.

    best, value: the best row and its result. rival, rival_value: the best row of another backbone,
    or where there is none the second row; empty without a second.
    verdict: of the rival beside the best, one of `suite.report.comparison`, or empty. told: the
    same in a sentence. others: the results of others, in sentences.
    """

    board: int
    place: str
    metric: str
    best: str
    backbone: str
    value: str
    rival: str = ""
    rival_value: str = ""
    verdict: str = ""
    told: str = ""
    others: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """All of it in one line of text."""
        first = f"{self.best} is best on {self.place}: {self.metric} {self.value}"
        if not self.rival:
            return f"{first}."
        return f"{first}; second {self.rival}, {self.rival_value}: {self.verdict}."


def answer_of(at: int, board: Board) -> Answer:
    """Return the answer of a board, which is number `at`."""
    best = board.rows[0]
    rival = next((row for row in board.rows[1:] if row.backbone != best.backbone), None)
    if rival is None and len(board.rows) > 1:
        rival = board.rows[1]
    digits = _digits(best, rival)
    known = Answer(
        board=at,
        place=board.title,
        metric=f"test {words(board.metric)}",
        best=best.name,
        backbone=best.backbone,
        value=_value(best, digits),
        others=tuple(_others(best)),
    )
    if rival is None or rival.against_best is None:
        return known
    return Answer(
        **vars(known)
        | {
            "rival": rival.name,
            "rival_value": _value(rival, digits),
            "verdict": rival.against_best.verdict,
            "told": _told(rival.against_best),
        }
    )


def _digits(best: Row, rival: Row | None) -> int:
    """Return how many digits show a difference, if there is one."""
    if rival is None or best.mean == rival.mean:
        return 3
    return next((n for n in (3, 4, 5) if f"{best.mean:.{n}f}" != f"{rival.mean:.{n}f}"), 6)


def _value(row: Row, digits: int) -> str:
    interval = row.seeds.interval
    if interval is None:
        return f"{row.mean:.{digits}f} (n={row.n})"
    low, high = interval
    return f"{row.mean:.{digits}f} ({low:.{digits}f}–{high:.{digits}f}, n={row.n})"


def _told(difference: Difference) -> str:
    gap = f"{abs(difference.mean):.2g}"
    if difference.verdict == TOO_FEW:
        return (
            f"Too few runs to tell: {FEWEST} seeds of each are needed, and the fewer have "
            f"{difference.n}."
        )
    equals = "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}"
    p = f"p{equals}{_p(difference.p_corrected)}, corrected for all pairs of rows"
    if difference.verdict == WORSE:
        return f"The gap of {gap} is more than seeds make ({p})."
    if difference.verdict == BETTER:
        return f"By the seeds that both ran, the second is ahead by {gap} ({p})."
    assert difference.verdict == UNCLEAR
    return f"Seeds alone may make the gap of {gap} ({p}). More seeds may tell."


def _p(value: float | None) -> str:
    if value is None:
        return "unknown"
    return "<0.001" if value < 0.001 else f"{value:.2g}"


_REACHED = {
    "below": "not reached",
    "reproduces": "reproduced",
    "above": "surpassed",
    "below people": "not reached",
    "like people": "equalled",
    "beyond people": "surpassed",
}
"""What a verdict says of the result of others."""


def _others(row: Row) -> list[str]:
    """Return how the median run stands to the best published result and to people."""
    told = []
    for kind, name in (("published", "Best published"), ("people", "People")):
        other = getattr(row.standing, kind, None)
        if other is not None:
            verdict = f", {_REACHED[other.verdict]}" if other.verdict else ""
            told.append(f"{name}: {other.value:.3f} ({other.name}){verdict}.")
    return told
