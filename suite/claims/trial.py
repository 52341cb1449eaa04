"""Puts claims to the test on sets: makes the runs, measures, and lets the rules decide."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from suite.claims.cells import Cell
from suite.claims.claim import Claim, Measured, Verdict
from suite.claims.ran import Done, Ran
from suite.claims.runner import Job, Outcome, overrides_of, read_look, read_record, run_all
from suite.claims.sets import ClaimSet


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A claim that was put to the test.

    measured: what was found, set by set. broken: why nothing was, by set; such a set decides
    nothing, but it is told of. runs: how many runs it rests on.
    """

    claim: Claim
    measured: Sequence[Measured]
    broken: Mapping[str, str]
    runs: int

    @property
    def verdict(self) -> Verdict:
        """What follows by the claim's rule. Nothing is supported where a set is broken."""
        found = self.claim.verdict(self.measured)
        return Verdict.MIXED if self.broken and found is Verdict.SUPPORTED else found


def put_to_test(
    claims: Sequence[Claim], sets: Sequence[ClaimSet], results: Path, *, processes: int
) -> tuple[list[Tried], int]:
    """Make all runs that the claims need on the sets, and judge; return how many runs, too."""
    needed = {(c.name, s.name): list(c.cells(s)) for c in claims for s in sets}
    jobs = _jobs((cell for cells in needed.values() for cell in cells), results)
    outcomes = run_all(list(jobs.values()), processes=processes)

    def outcome(cell: Cell) -> Outcome:
        return outcomes[jobs[overrides_of(cell, results)]]

    tried = [
        _judged(claim, sets, {s.name: needed[claim.name, s.name] for s in sets}, outcome)
        for claim in claims
    ]
    return tried, len(outcomes)


def _jobs(cells: Iterable[Cell], results: Path) -> dict[tuple[str, ...], Job]:
    """Return the jobs by their overrides: a run that several claims need is made once."""
    looks: dict[tuple[str, ...], dict[str, None]] = {}
    for cell in cells:
        looks.setdefault(overrides_of(cell, results), {}).update(dict.fromkeys(cell.looks))
    return {given: Job(overrides=given, looks=tuple(names)) for given, names in looks.items()}


def _judged(
    claim: Claim,
    sets: Sequence[ClaimSet],
    needed: Mapping[str, Sequence[Cell]],
    outcome: Callable[[Cell], Outcome],
) -> Tried:
    measured: list[Measured] = []
    broken: dict[str, str] = {}
    runs = 0
    for one in sets:
        cells = needed[one.name]
        became = {id(cell): outcome(cell) for cell in cells}
        errors = [came.error for came in became.values() if came.folder is None]
        runs += len(cells) - len(errors)
        if errors:
            broken[one.name] = f"{len(errors)} of {len(cells)} runs failed: {errors[0]}"
            continue
        done = [_done(cell, became[id(cell)]) for cell in cells]
        measured += claim.measure(one, Ran(done))
    return Tried(claim=claim, measured=measured, broken=broken, runs=runs)


def _done(cell: Cell, became: Outcome) -> Done:
    assert became.folder is not None
    looked = {name: read_look(became.folder, name) for name in cell.looks}
    record = read_record(became.folder)
    return Done(cell=cell, record=record, folder=became.folder, looked=looked)
