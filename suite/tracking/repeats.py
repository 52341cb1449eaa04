"""Which rows of a journal a resumed run has written a second time."""

from copy import deepcopy

from suite.tracking.journal import Event


class Repeats:
    """Tells rows that are new from those of steps done again.

    A run that is killed at step 150 and goes on from a checkpoint of step 100 does 50 steps again.
    Their losses are the same, but the time is another, and a tracker would have each of them twice.
    """

    def __init__(self) -> None:
        self._highest: dict[str, int] = {}
        self._from = 0
        self._until: dict[str, int] = {}

    def copy(self) -> "Repeats":
        """Return one that knows what this one does."""
        return deepcopy(self)

    def fresh(self, event: Event) -> dict[str, float]:
        """Return the values of an event without repeated ones; to be given all events in order."""
        if event["event"] == "resume":
            self._from, self._until = int(event["step"]), dict(self._highest)
        if event["event"] != "metrics":
            return {}
        step = int(event["step"])
        new = {k: v for k, v in event["values"].items() if not self._repeats(k, step)}
        for name in new:
            self._highest[name] = max(step, self._highest.get(name, step))
        return new

    def _repeats(self, name: str, step: int) -> bool:
        return self._from < step <= self._until.get(name, self._from)
