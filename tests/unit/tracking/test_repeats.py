from typing import Any

from suite.tracking.repeats import Repeats


def metrics(step: int, **values: float) -> dict[str, Any]:
    return {"event": "metrics", "step": step, "values": values}


def resume(step: int) -> dict[str, Any]:
    return {"event": "resume", "step": step}


def new(*events: dict[str, Any]) -> list[tuple[int, str]]:
    repeats = Repeats()
    return [(event["step"], name) for event in events for name in repeats.fresh(event)]


def test_steps_done_again_are_there_once() -> None:
    # Killed after step 3, from the checkpoint of step 1; then again after step 4.
    events = [
        *(metrics(step, loss=0.1) for step in (1, 2, 3)),
        resume(1),
        *(metrics(step, loss=0.1) for step in (2, 3, 4)),
        resume(1),
        *(metrics(step, loss=0.1) for step in (2, 3, 4, 5)),
    ]
    assert new(*events) == [(step, "loss") for step in (1, 2, 3, 4, 5)]


def test_only_what_was_written_before_is_a_repeat() -> None:
    # The first attempt died before its validation of step 2.
    events = [metrics(1, loss=1), metrics(2, loss=1), resume(1), metrics(2, loss=1, accuracy=1)]
    assert new(*events) == [(1, "loss"), (2, "loss"), (2, "accuracy")]


def test_without_a_resumption_nothing_is_a_repeat() -> None:
    # What is chosen at the end is written at the step of the best weights.
    assert new(metrics(5, threshold=1), metrics(2, threshold=1)) == [
        (5, "threshold"),
        (2, "threshold"),
    ]


def test_a_copy_goes_its_own_way() -> None:
    repeats = Repeats()
    repeats.fresh(metrics(1, loss=1))
    repeats.copy().fresh(metrics(2, loss=1))
    repeats.fresh(resume(1))
    assert repeats.fresh(metrics(2, loss=1)) == {"loss": 1}
