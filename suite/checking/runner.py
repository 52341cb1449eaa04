"""Makes the checks of a task, one after the other, whatever a stranger's code does meanwhile."""

import os
import time
from collections.abc import Iterator, Sequence

import torch

from suite.checking.check import Broken, Check, DoesNotApply, Result, Verdict
from suite.checking.place import place_of, raised_at
from suite.checking.refusing import refused_network
from suite.checking.subject import Subject
from suite.errors import ConfigError, DataError
from suite.trust.text import in_a_line

OPENS = "opens"
"""The check in which configuration and data are found to be wrong, rather than the task."""
OFFLINE = "offline"
"""The check that answers for whatever failed as it asked for the network."""
_MEND = "mend the exception; HYDRA_FULL_ERROR=1 shows its traceback"


def examine(subject: Subject, checks: Sequence[Check]) -> Iterator[Result]:
    """Yield what became of each check. One that fails stops those alone that need it."""
    lost: set[str] = set()
    with torch.random.fork_rng(devices=[]), refused_network(subject.kind, subject.attempts):
        for check in checks:
            missing = [name for name in check.needs if name in lost]
            if missing:
                why = f"needs {', '.join(missing)}"
                result = Result(check=check.name, verdict=Verdict.NOT_RUN, seen=why)
            else:
                result = _made(subject, check)
            if result.verdict in (Verdict.FAILED, Verdict.NOT_RUN):
                lost.add(check.name)
            yield result


def _made(subject: Subject, check: Check) -> Result:
    began, asked = time.perf_counter(), len(subject.attempts)
    torch.manual_seed(0)

    def result(verdict: Verdict, seen: str, where: str = "", mend: str = "") -> Result:
        seconds = time.perf_counter() - began
        line = in_a_line(seen)
        return Result(
            check=check.name, verdict=verdict, seconds=seconds, seen=line, where=where, mend=mend
        )

    if check.of_networks and subject.shallow:
        why = "the model is fitted on hand-made features"
        return result(Verdict.DOES_NOT_APPLY, why)
    try:
        return result(Verdict.PASSED, check.look(subject))
    except DoesNotApply as why:
        return result(Verdict.DOES_NOT_APPLY, str(why))
    except Broken as broken:
        where = place_of(subject.kind, broken.at) if broken.at else ""
        return result(Verdict.FAILED, broken.wrong, where, broken.mend)
    except (Exception, SystemExit) as error:  # whatever a stranger's code raises
        if check.name == OPENS and isinstance(error, (ConfigError, DataError)):
            if len(subject.attempts) == asked:
                raise  # files that are not there, a pair that does not fit: no fault of the task's
        if os.environ.get("HYDRA_FULL_ERROR") == "1":
            raise
        if len(subject.attempts) > asked and check.name != OFFLINE:
            return result(Verdict.NOT_RUN, f"it asked for the network: see {OFFLINE}")
        return result(Verdict.FAILED, _told(error), raised_at(error, subject.kind), _MEND)


def _told(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # of an exception that cannot tell itself
        text = ""
    name = type(error).__name__
    return f"raises {name}: {text}" if text else f"raises {name}"
