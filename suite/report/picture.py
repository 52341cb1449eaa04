"""The leaderboard as a picture: a panel for each data set, bars for runs, lines for references."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation

from suite.figures import png
from suite.report.board import Board, Row
from suite.report.columns import direction_words, words
from suite.report.comparison import TOO_FEW, WORSE
from suite.report.leaderboard import Leaderboard
from suite.trust.text import figure_text

_MOST_ROWS = 12
"""Rows of a board that are drawn; the tables have all."""
_MOST_BOARDS = 24
"""Boards that are drawn: with many more a picture says nothing, and takes a minute."""
_LONGEST_NAME = 40
_PANELS_IN_A_LINE = 2
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999")
"""Okabe and Ito's palette, which colour-blind readers can tell apart; one for each backbone."""
_LINES = ("-", "--", ":", "-.")


def leaderboard_png(leaderboard: Leaderboard) -> bytes:
    """Draw the boards, best bar on top, and return the PNG."""
    boards = leaderboard.boards[:_MOST_BOARDS]
    left_out = len(leaderboard.boards) - len(boards)
    backbones = sorted({row.backbone for board in boards for row in board.rows})
    colours = {name: _COLOURS[i % len(_COLOURS)] for i, name in enumerate(backbones)}
    columns = min(len(boards), _PANELS_IN_A_LINE)
    lines = [boards[i : i + columns] for i in range(0, len(boards), columns)]
    heights = [max(_height(board) for board in line) for line in lines]
    canvas = Figure(figsize=(6.6 * columns, sum(heights)), layout="constrained")
    grid = canvas.add_gridspec(len(lines), columns, height_ratios=heights)
    for number, board in enumerate(boards):
        axes = canvas.add_subplot(grid[number // columns, number % columns])
        _draw(canvas, axes, board, colours)
    if left_out:
        told = f"{len(boards)} of {len(leaderboard.boards)} data sets; the tables have all"
        canvas.suptitle(told, fontsize=9, x=0.01, ha="left")
    return png(canvas)


def _height(board: Board) -> float:
    return 1.5 + 0.36 * min(len(board.rows), _MOST_ROWS) + 0.2 * len(board.references)


def _draw(canvas: Figure, axes: Axes, board: Board, colours: dict[str, str]) -> None:
    rows = board.rows[:_MOST_ROWS]
    low, furthest = _limits(board, rows)
    for position, row in enumerate(rows):
        axes.barh(position, row.mean - low, left=low, height=0.7, color=colours[row.backbone])
        interval = _interval(board, row)
        if interval:
            axes.plot(
                interval, [position] * 2, color="black", alpha=0.35, lw=5, solid_capstyle="butt"
            )
        seeds = row.seeds.interval
        if seeds:
            # With ends, since the interval over items may lie right behind it.
            axes.errorbar(
                row.mean, position, xerr=seeds[1] - row.mean, color="black", lw=1.2, capsize=3
            )
        verdicts = _told(board, row)
        axes.annotate(
            f"{row.mean:.4f}  n={row.n}{_unlike_best(row)}" + (f"\n{verdicts}" if verdicts else ""),
            (max([row.mean, *interval, *(seeds or ())]), position),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=7 if verdicts else 8,
            zorder=3,
            # Readable where a reference's line runs through it.
            bbox={"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.8},
        )
    for number, reference in enumerate(board.references):
        label = figure_text(_label(board, reference))
        style = _LINES[number % len(_LINES)]
        if reference["metric"] == board.metric:
            axes.axvline(reference["value"], color="black", lw=1.1, ls=style, label=label, zorder=2)
        else:  # no place on this axis, but in the legend
            axes.plot([], [], ls="none", label=label)
    axes.set_yticks(range(len(rows)), [figure_text(_short(row.name)) for row in rows], fontsize=9)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    # Room for the labels at the bars' ends.
    room = 0.6 if any(_verdicts(row) or _unlike_best(row) for row in rows) else 0.3
    axes.set_xlim(low, furthest + room * (furthest - low or 1.0))
    ticks = MaxNLocator(5).tick_values(low, furthest)
    axes.set_xticks([tick for tick in ticks if low <= tick <= furthest])
    better = direction_words(board)
    cut = f"; axis from {low:.3g}" if low > 0 else ""
    band = "; line: 95% over seeds" if any(row.seeds.interval for row in rows) else ""
    band += "; grey: 95% over items" if any(_interval(board, r) for r in rows) else ""
    axes.set_xlabel(f"test {figure_text(words(board.metric))} ({better}{cut}{band})", fontsize=9)
    axes.tick_params(axis="x", labelsize=8)
    left_out = len(board.rows) - len(rows)
    more = f", best {len(rows)} of {len(board.rows)}" if left_out else ""
    axes.set_title(figure_text(board.title) + more, fontsize=11, fontweight="bold", loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    if board.references:
        below = ScaledTranslation(0, -0.5, canvas.dpi_scale_trans)
        axes.legend(
            fontsize=8,
            frameon=False,
            loc="upper left",
            bbox_to_anchor=(0, 0),
            bbox_transform=axes.transAxes + below,
            borderaxespad=0,
        )


def _interval(board: Board, row: Row) -> tuple[float, ...]:
    """Return the ends of the interval, where it is of the metric that is drawn."""
    return row.interval[:2] if row.interval and board.compared == board.metric else ()


def _unlike_best(row: Row) -> str:
    """Tell the one thing that a bar's length does not: whether the best row is surely better."""
    difference = row.against_best
    if difference is None or difference.verdict == TOO_FEW:
        return ""
    return f"  {difference.verdict}" + (
        " than best" if difference.verdict == WORSE else " from best"
    )


def _verdicts(row: Row) -> list[str]:
    others = (row.standing.published, row.standing.people) if row.standing else ()
    return [other.verdict for other in others if other and other.verdict]


def _told(board: Board, row: Row) -> str:
    verdicts = ", ".join(_verdicts(row))
    if not verdicts or row.standing is None or board.compared == board.metric:
        return verdicts
    return f"{words(board.compared)} {row.standing.value:.4f}: {verdicts}"


def _label(board: Board, reference: Mapping[str, Any]) -> str:
    kind = f"{reference['kind']}: " if reference.get("kind") else ""
    metric = "" if reference["metric"] == board.metric else f"{words(reference['metric'])} "
    return f"{kind}{reference['name']}, {metric}{reference['value']:.4f}"


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def _limits(board: Board, rows: Sequence[Row]) -> tuple[float, float]:
    """Return where bars begin (at zero, unless all values lie close) and the largest value."""
    values = [r["value"] for r in board.references if r["metric"] == board.metric]
    for row in rows:
        values += [row.mean, *(row.seeds.interval or ()), *_interval(board, row)]
    lowest, highest = min(values), max(values)
    spread = highest - lowest
    near = lowest > 0 and board.direction != "minimize" and spread < 0.25 * highest
    low = max(0.0, lowest - 0.5 * max(spread, 0.02 * highest)) if near else min(0.0, lowest)
    return low, highest
