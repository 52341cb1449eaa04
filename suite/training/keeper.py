"""Keeps a training such that it can go on: checkpoints when they are due, and before it stops."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from suite.errors import TrainingError
from suite.stop import Interrupted
from suite.training.course import Course
from suite.training.exhausted import in_evaluation, roomy
from suite.training.state import put_state, state_of

if TYPE_CHECKING:
    from suite.training.loop import Training

T = TypeVar("T")
_WORTH_SECONDS = 10.0
"""What the end of training keeps for a run that is killed in its test."""


class Keeper:
    """Looks after one training, between its steps."""

    def __init__(self, run: "Training", course: Course) -> None:
        self._run = run
        self._course = course

    def restore(self) -> None:
        """Bring the training to where the checkpoint was written that it goes on from."""
        if self._run.saved is not None:
            put_state(self._run, self._course, self._run.saved)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Let nothing be half written when the context ends, in whichever way."""
        checkpoints = self._run.checkpoints
        try:
            yield
        except BaseException:
            if checkpoints is not None:
                with suppress(TrainingError):  # the other error came first
                    checkpoints.settle()
            raise
        if checkpoints is not None:
            checkpoints.settle()

    def look(self) -> None:
        """Write a checkpoint where one is due; where a signal has come, write one and stop."""
        agreed = self._course.agreed
        if agreed.stop:
            self._stop()
        elif agreed.due:
            self._save()
        self._course.agreed = replace(agreed, stop=False, due=False)

    def undisturbed(self, work: Callable[[Callable[[], None]], T]) -> T | None:
        """Return what work comes to; where a signal breaks it off, write a checkpoint and stop.

        work: is given a function to call now and then. None: the launcher has the run go on, and
        the work is still to be done.
        """
        # Of several processes none breaks off: the others would wait for its part.
        check = self._check if self._run.world.alone else partial(self._run.note, "evaluation")
        try:
            with roomy("a validation", in_evaluation(self._run.config.eval_batch_size)):
                return work(check)
        except Interrupted:
            self._stop()
            return None

    def close(self) -> None:
        """Keep a training that is over until its test is."""
        run = self._run
        at_risk = run.checkpoints is not None and run.checkpoints.seconds_at_risk > _WORTH_SECONDS
        worth, asked = map(bool, run.world.sum([run.world.leads and at_risk, run.stop.asked]))
        if asked:
            self._stop()
        elif worth:
            self._save()

    def _check(self) -> None:
        self._run.note("evaluation")
        self._run.stop.check()

    def _stop(self) -> None:
        run = self._run
        if run.checkpoints is not None:
            self._save()
            run.checkpoints.settle()
        if not run.stop.asked:  # another process was
            run.stop.ask(signal.SIGTERM)
        run.stop.obey()

    def _save(self) -> None:
        run, checkpoints = self._run, self._run.checkpoints
        assert checkpoints is not None
        running = run.meter.running
        run.meter.pause()
        run.note("checkpoint")
        state, weights = state_of(run, self._course), run.engine.weights()
        if run.world.leads:
            checkpoints.save(self._course.outcome.steps, weights, state)
        else:
            checkpoints.noted()
        if running:
            run.meter.resume()
