"""`triathlon claims`: puts what is said of deep learning to the test, on small sets."""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from suite.errors import ConfigError

if TYPE_CHECKING:
    from suite.claims.trial import Tried


def main(arguments: list[str]) -> int:
    """Put claims about deep learning to the test and write claims.md: what holds, and where.

    Each is tested on each set by runs of seconds with three seeds, and judged by a rule that is
    written with it. Runs that are done are not made again.
    """
    chosen = _parser().parse_args(arguments)
    if chosen.jobs is not None and chosen.jobs < 1:
        raise ConfigError(f"--jobs {chosen.jobs}: has to be 1 or more")
    from suite.claims import sets as known
    from suite.claims.all import CLAIMS
    from suite.claims.all import chosen as choose

    if chosen.list:
        for claim in CLAIMS:
            print(f"{claim.name}: {claim.text}")
        return 0
    claims = choose(_split(chosen.only))
    sets = [known.read_set(name) for name in _split(chosen.set) or known.names()]

    from suite.claims.trial import put_to_test
    from suite.claims.written import write
    from suite.hardware.machine import usable_cores

    jobs = chosen.jobs or usable_cores()
    began = time.monotonic()
    tried, runs = put_to_test(claims, sets, chosen.results / "claims", processes=jobs)
    how = _how(len(claims), runs, [one.name for one in sets], time.monotonic() - began, jobs)
    write(tried, chosen.results, how=how)
    _show(tried)
    print(f"written to {chosen.results / 'claims.md'}")
    return 1 if any(one.broken for one in tried) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("triathlon claims", description=main.__doc__)
    parser.add_argument("--only", default="", help="claims, by name, with commas (default: all)")
    parser.add_argument(
        "--set",
        default="",
        help="sets of conf/claims, or files like them, with commas (default: all of conf/claims)",
    )
    parser.add_argument("--results", type=Path, default=Path("results"), help="default: results")
    parser.add_argument("--jobs", type=int, help="runs at once (default: one a core)")
    parser.add_argument("--list", action="store_true", help="list the claims")
    return parser


def _split(names: str) -> list[str]:
    return [name for name in names.split(",") if name]


def _how(claims: int, runs: int, sets: list[str], seconds: float, jobs: int) -> list[str]:
    from suite.claims.cells import SEEDS

    return [
        f"{claims} claims on {', '.join(sets)}: {runs:,} runs, {len(SEEDS)} seeds of each "
        f"setting, in {seconds / 60:.1f} minutes with {jobs} at once, by `triathlon claims`. "
        "Runs are of seconds and networks are small: a verdict is about these.",
        "",
        "Each claim has a rule that was there before its runs. Intervals are of 95% and over "
        "seeds. *Not supported* means that this experiment has not shown it, which is less than "
        "that it is wrong.",
    ]


def _show(tried: "list[Tried]") -> None:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    from suite.claims.written import label, summary
    from suite.trust.terminal import Terminal

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for heading in ("claim", "verdict", "effect, 95% interval"):
        table.add_column(heading, overflow="fold")
    for one in tried:
        effects = [f"{label(found)}: {summary(found)}" for found in one.measured]
        effects += [f"{name}: not judged, {why}" for name, why in one.broken.items()]
        cells = (one.claim.text, one.verdict.value, "\n".join(effects))
        table.add_row(*map(escape, cells))
    console = Terminal()
    if not console.is_terminal:
        console = Terminal(width=max(console.width, 150))
    console.print(table)
