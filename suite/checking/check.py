"""A check of a task: what it looks for, and what became of it."""

import enum
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from suite.checking.subject import Subject


class Verdict(enum.Enum):
    """What became of a check."""

    PASSED = "passed"
    FAILED = "failed"
    DOES_NOT_APPLY = "does not apply"
    NOT_RUN = "not run"


class Broken(Exception):
    """What a check finds broken.

    wrong: in a line. at: the task's method or attribute where it is; empty where that is not known.
    mend: what to do about it.
    """

    def __init__(self, wrong: str, *, at: str = "", mend: str = "") -> None:
        super().__init__(wrong)
        self.wrong, self.at, self.mend = wrong, at, mend


class DoesNotApply(Exception):
    """Why a check has nothing to look at in this task."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that is looked at.

    name: in the field's terms. looks_for: in a line.
    look: returns what was seen, or raises `Broken` or `DoesNotApply`.
    needs: checks without which this one would only say again what they said.
    trains: it trains a model or builds many, which takes seconds.
    of_networks: it is about a model that is trained, not about hand-made features.
    """

    name: str
    looks_for: str
    look: "Callable[[Subject], str]"
    needs: tuple[str, ...] = ()
    trains: bool = False
    of_networks: bool = True


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of a check.

    seen: what was found, or why it was not looked for. where: class, method, file and line of what
    is wrong, as far as known. mend: what to do about it.
    """

    check: str
    verdict: Verdict
    seconds: float = 0.0
    seen: str = ""
    where: str = ""
    mend: str = ""

    @property
    def failed(self) -> bool:
        """Whether it found something broken."""
        return self.verdict is Verdict.FAILED

    def told(self) -> str:
        """Return what is wrong, where, and how to mend it, as one line."""
        parts = (f"{self.check}: {self.seen}", self.where and f"in {self.where}", self.mend)
        return "; ".join(filter(None, parts))

    def plain(self) -> Mapping[str, Any]:
        """Return it as JSON takes it."""
        return {**asdict(self), "verdict": self.verdict.value, "seconds": round(self.seconds, 3)}
