"""The leaderboard as a picture: a panel for each data set, bars for runs, lines for references."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation

from suite.figures import png
from suite.report.leaderboard import Board, Leaderboard, Row
from suite.report.tables import words

_MOST_ROWS = 12
"""Rows of a board that are drawn; the tables have all."""
_LONGEST_NAME = 40
_PANELS_IN_A_LINE = 2
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999")
"""Okabe and Ito's palette, which colour-blind readers can tell apart; one for each backbone."""
_LINES = ("-", "--", ":", "-.")


def leaderboard_png(leaderboard: Leaderboard) -> bytes:
    """Draw the boards, best bar on top, and return the PNG."""
    boards = leaderboard.boards
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
    return png(canvas)


def _height(board: Board) -> float:
    return 1.5 + 0.36 * min(len(board.rows), _MOST_ROWS) + 0.2 * len(board.references)


def _draw(canvas: Figure, axes: Axes, board: Board, colours: dict[str, str]) -> None:
    rows = board.rows[:_MOST_ROWS]
    low, furthest = _limits(board, rows)
    for position, row in enumerate(rows):
        axes.barh(position, row.mean - low, left=low, height=0.7, color=colours[row.backbone])
        if row.n > 1:
            axes.plot([row.lowest, row.highest], [position] * 2, color="black", lw=1.2)
        label = f"{row.mean:.4f}  n={row.n}"
        axes.annotate(
            label,
            (max(row.mean, row.highest), position),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            zorder=3,
            # Readable where a reference's line runs through it.
            bbox={"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.8},
        )
    for number, reference in enumerate(board.references):
        label = f"{reference['name']}: {reference['value']:.4f}"
        style = _LINES[number % len(_LINES)]
        axes.axvline(reference["value"], color="black", lw=1.1, ls=style, label=label, zorder=2)
    axes.set_yticks(range(len(rows)), [_short(row.name) for row in rows], fontsize=9)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    # Room for the labels at the bars' ends.
    axes.set_xlim(low, furthest + 0.3 * (furthest - low or 1.0))
    ticks = MaxNLocator(5).tick_values(low, furthest)
    axes.set_xticks([tick for tick in ticks if low <= tick <= furthest])
    better = "lower is better" if board.direction == "minimize" else "higher is better"
    cut = f"; axis from {low:.3g}" if low > 0 else ""
    axes.set_xlabel(f"test {words(board.metric)} ({better}{cut})", fontsize=9)
    axes.tick_params(axis="x", labelsize=8)
    left_out = len(board.rows) - len(rows)
    more = f", best {len(rows)} of {len(board.rows)}" if left_out else ""
    axes.set_title(board.title + more, fontsize=11, fontweight="bold", loc="left")
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


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def _limits(board: Board, rows: Sequence[Row]) -> tuple[float, float]:
    """Return where bars begin (at zero, unless all values lie close) and the largest value."""
    values = [reference["value"] for reference in board.references]
    values += [value for row in rows for value in (row.lowest, row.highest)]
    lowest, highest = min(values), max(values)
    spread = highest - lowest
    near = lowest > 0 and board.direction != "minimize" and spread < 0.25 * highest
    low = max(0.0, lowest - 0.5 * max(spread, 0.02 * highest)) if near else min(0.0, lowest)
    return low, highest
