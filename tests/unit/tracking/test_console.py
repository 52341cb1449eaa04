import io
from collections.abc import Callable
from typing import Any

from rich.console import Console as Terminal

from suite.record import RunRecord
from suite.standing import standings
from suite.tracking.console import Console


def play(terminal: Terminal, *events: dict[str, Any], steps: int | None = 4) -> str:
    console = Console(steps, terminal)
    for number, event in enumerate(events):
        console({"time": 100.0 + number, **event})
    console.close()
    assert isinstance(terminal.file, io.StringIO)
    return terminal.file.getvalue()


def log() -> Terminal:
    return Terminal(file=io.StringIO(), width=120)


def metrics(step: int, **values: float) -> dict[str, Any]:
    named = {name.replace("__", "/"): value for name, value in values.items()}
    return {"event": "metrics", "step": step, "values": named}


def test_a_log_gets_a_line_for_each_validation(record: Callable[..., RunRecord]) -> None:
    text = play(
        log(),
        {"event": "start", "record": record().plain()},
        metrics(1, train__loss=2.0, throughput__examples_per_second=1234.0),
        metrics(2, train__loss=1.0),
        metrics(2, validation__loss=1.5, validation__accuracy=0.75),
        metrics(2, validation__threshold=0.5),  # what was chosen for the test is no validation
    )
    assert text.splitlines() == [
        "image_recognition · digits · mlp · adamw · seed 0",
        "step 2/4  loss 1.0000 / 1.5000  accuracy 0.7500  1,234 examples/s  3.0 s",
    ]


def test_the_end_shows_target_and_references(record: Callable[..., RunRecord]) -> None:
    end = record(
        status="finished",
        metrics={"test/accuracy": 0.9},
        best={"step": 3},
        steps=4,
        training_seconds=2.0,
        wall_seconds=3.0,
        stopped="length",
        target={"metric": "accuracy", "threshold": 0.8, "direction": "maximize"},
        reached={"step": 2, "training_seconds": 1.0, "wall_seconds": 1.5},
        references=[
            {"name": "people", "metric": "accuracy", "value": 0.97, "source": "Doe [2]", "n": 3}
        ],
        data_card={"synthetic": True},
        throughput={"examples_per_second": 50.0, "units_per_second": 20.0},
        unit="second",
    )
    text = play(log(), {"event": "end", "record": end.plain()})
    assert "seed 0 (synthetic data)" in text
    assert "0.9000" in text
    assert "reached after 1.0 s training, 1.5 s wall clock" in text
    assert "n=3, Doe [2]" in text
    assert "interval" not in text  # the record has none
    assert "4 steps, 2.0 s training, 3.0 s in all, 50 examples/s, 20 times real time" in text


def test_the_end_tells_interval_gap_and_verdict(record: Callable[..., RunRecord]) -> None:
    end = record(
        status="finished",
        metrics={"test/accuracy": 0.9},
        intervals={"test/accuracy": (0.88, 0.92, "Wilson score")},
        references=[
            {"metric": "accuracy", "name": n, "value": v, "kind": k, "uses": u, "source": "Doe [2]"}
            for n, v, k, u in (
                ("tuned CNN", 0.95, "published", "pretrained vectors"),
                ("plain CNN", 0.91, "published", ""),
                ("volunteers", 0.8, "human", ""),
            )
        ],
        data_card={"sizes": {"test": 1000}},
    )
    end.standings = [standing.plain() for standing in standings(end)]
    text = play(log(), {"event": "end", "record": end.plain()})
    assert (
        "accuracy 0.9000, 95% interval 0.8800 to 0.9200 over 1,000 test items of this one run "
        "(Wilson score)\n"
        "best published 0.9500 (tuned CNN, pretrained vectors): gap -0.0500, below; "
        "people 0.8000 (volunteers): gap +0.1000, beyond people; reproduces plain CNN\n"
    ) in text
    assert "published, pretrained vectors, Doe [2]" in text
    end.references, end.intervals = [], {}
    end.standings = [standing.plain() for standing in standings(end)]
    text = play(log(), {"event": "end", "record": end.plain()})
    assert "accuracy 0.9000\nno published or human result is known of it\n" in text


def test_the_primary_metric_is_told_beside_the_one_that_others_used(
    record: Callable[..., RunRecord],
) -> None:
    words = {"name": "T", "metric": "wer", "value": 0.07, "kind": "published", "source": "s"}
    end = record(
        status="finished",
        metrics={"test/accuracy": 0.9, "test/wer": 0.2},
        directions={"wer": "minimize"},
        references=[words],
    )
    end.standings = [standing.plain() for standing in standings(end)]
    text = play(log(), {"event": "end", "record": end.plain()})
    assert "wer 0.2000\nbest published 0.0700 (T): gap -0.1300\n0 steps" in text
    end.intervals = {"test/accuracy": (0.88, 0.92, "Wilson score")}
    end.standings = [standing.plain() for standing in standings(end)]
    text = play(log(), {"event": "end", "record": end.plain()})
    assert "gap -0.1300\naccuracy 0.9000, 95% interval 0.8800 to 0.9200" in text
    assert "no published" not in text


def test_a_missed_target_and_a_failure_say_so(record: Callable[..., RunRecord]) -> None:
    target = {"metric": "accuracy", "threshold": 0.8, "direction": "maximize"}
    end = record(status="finished", target=target, metrics={"test/accuracy": 0.5})
    assert "missed" in play(log(), {"event": "end", "record": end.plain()})
    failed = record(status="failed", error="loss is not finite at step 3 [x]")
    text = play(log(), {"event": "end", "record": failed.plain()})
    assert text == "failed: loss is not finite at step 3 [x]\n"


def test_a_terminal_gets_a_display_that_goes_away(record: Callable[..., RunRecord]) -> None:
    terminal = Terminal(file=io.StringIO(), width=100, force_terminal=True, force_interactive=True)
    events = [metrics(step, train__loss=1.0) for step in range(1, 500)]
    text = play(terminal, {"event": "start", "record": record().plain()}, *events, steps=None)
    # Drawn when it begins, at the first event and when it ends; not 500 times.
    assert 1 <= text.count("loss 1.0000") < 10
    assert "\x1b[?25h" in text  # the cursor is back
