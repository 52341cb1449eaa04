"""Mistakes are shown as pictures, texts or sounds that a page can show, and are mistakes."""

from itertools import islice

import torch

from suite.checking.check import Broken, Check
from suite.checking.naming import same
from suite.checking.shortened import evaluated
from suite.checking.subject import MOST, Subject
from suite.classification import DataSetTask
from suite.mistakes import LARGEST, SUFFIXES
from suite.mistakes import MOST as SHOWN
from suite.task import Mistake, Split

_STARTS = {".png": b"\x89PNG", ".wav": b"RIFF"}


def _look(subject: Subject) -> str:
    task = subject.task
    if isinstance(task, DataSetTask):
        batch = next(iter(task.eval_batches(Split.TEST)))
        index_B = torch.tensor(task.evaluated(Split.TEST, range(batch.examples)))
        if not same(batch, task.data.splits[Split.TEST].take(index_B)):
            raise Broken(
                "evaluated: eval_batches yields other examples there",
                at="evaluated",
                mend="say which example of the split eval_batches yields at each place",
            )
    _, metrics, _ = evaluated(task, subject.model, Split.TEST, MOST)
    shown = list(islice(task.mistakes(metrics), SHOWN))
    for mistake in shown:
        _check_mistake(mistake)
    return f"{len(shown)} can be shown" if shown else "none are shown"


def _check_mistake(mistake: object) -> None:
    def require(holds: bool, wrong: str, mend: str) -> None:
        if not holds:
            raise Broken(f"mistakes: {wrong}", at="mistakes", mend=mend)

    if not isinstance(mistake, Mistake):
        raise Broken(
            f"mistakes: {mistake!r} is not a suite.Mistake",
            at="mistakes",
            mend="yield suite.Mistake",
        )
    suffix, size = mistake.suffix, len(mistake.content)
    known = ", ".join(SUFFIXES)
    require(suffix in SUFFIXES, f"suffix {suffix!r} is not of {known}", "see suite.shown_text")
    require(0 < size <= LARGEST, f"{size} bytes, must be 1 to {LARGEST}", "show less of it")
    sound = mistake.content.startswith(_STARTS.get(suffix, b""))
    require(sound, f"the content is not that of a {suffix} file", "see suite.shown_pixels")
    differ = mistake.true != mistake.predicted
    require(differ, f"{mistake.true!r} was predicted, and right", "yield wrong predictions alone")
    sure = mistake.confidence is None or 0 <= mistake.confidence <= 1
    wrong = f"confidence {mistake.confidence}, must be in [0, 1] or None"
    require(sure, wrong, "give a probability")


MISTAKES = Check(
    name="mistakes",
    looks_for="what a run shows of its mistakes can be shown, and is wrong",
    look=_look,
    needs=("opens", "metrics"),
)
