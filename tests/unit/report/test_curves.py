import io
from typing import Any

from PIL import Image

from suite.report.curves import curves_png

RECORD = {
    "task": "image_recognition",
    "data": "digits",
    "seed": 0,
    "primary": "accuracy",
    "target": {"metric": "accuracy", "threshold": 0.9, "direction": "maximize"},
    "data_card": {"synthetic": True},
}


def test_draws_a_run() -> None:
    events: list[dict[str, Any]] = [{"event": "start", "record": RECORD}]
    events += [
        {"event": "metrics", "step": step, "values": {"train/loss": 100 / step}}
        for step in range(1, 40)
    ]
    events.append({"event": "metrics", "step": 40, "values": {"validation/accuracy": 0.8}})
    assert curves_png(events).startswith(b"\x89PNG")


def test_draws_a_run_without_metrics() -> None:
    assert curves_png([{"event": "start", "record": RECORD}]).startswith(b"\x89PNG")


def test_a_run_without_losses_has_one_panel() -> None:
    events: list[dict[str, Any]] = [{"event": "start", "record": RECORD}]
    events.append({"event": "metrics", "step": 1, "values": {"validation/accuracy": 0.8}})
    narrow = Image.open(io.BytesIO(curves_png(events)))
    events.append({"event": "metrics", "step": 1, "values": {"train/loss": 0.8}})
    wide = Image.open(io.BytesIO(curves_png(events)))
    assert wide.width > 1.8 * narrow.width
