"""The process that feeds MLflow: `python -m suite.tracking.sending`, started by `Sender`.

It reads one JSON object a line. `{"open": …}` names a run whose journal is to be sent from now on,
`{"close": folder, "timeout": seconds}` asks for the rest of it, and is answered by one line,
`{"closed": folder, "warning": …}`. When there is nothing more to read, because the training process
has ended in whichever way, what is open is sent to its end, and its run is shown as killed.
"""

import json
import os
import signal
import sys
from pathlib import Path

from suite.tracking import store
from suite.tracking.feed import Feed

_NICE = 19
"""Least of all: whatever trains goes first."""


def main() -> None:
    """Feed until the input ends."""
    # These go to all processes of a terminal or a job and end the training; what it has written is
    # still to be sent. This process ends when its input does.
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)
    os.nice(_NICE)
    # What a library may print is not an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    feeds: dict[str, Feed | str] = {}
    for line in sys.stdin:
        if not line.endswith("\n"):
            break  # who asked was killed meanwhile
        asked = json.loads(line)
        if "open" in asked:
            feeds[asked["open"]["folder"]] = _opened(**asked["open"])
        else:
            feed = feeds.pop(asked["close"])
            warning = feed if isinstance(feed, str) else feed.close(asked["timeout"])
            answer = {"closed": asked["close"], "warning": warning}
            print(json.dumps(answer), file=answers, flush=True)
    for feed in feeds.values():
        if isinstance(feed, Feed):
            feed.abandon()


def _opened(folder: str, results: str, uri: str, experiment: str) -> Feed | str:
    """Return a feed that is at work, or why there is none."""
    try:
        feed = Feed(Path(folder), results=Path(results), uri=uri, experiment=experiment)
    except Exception as error:  # training goes on without a tracker
        return store.unsent(uri, Path(folder), error)
    feed.start()
    return feed


if __name__ == "__main__":
    main()
