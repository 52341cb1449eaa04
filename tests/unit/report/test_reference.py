from pathlib import Path
from typing import Any

import pytest
import yaml

from suite.errors import DataError
from suite.report.reference import EMBEDDED, Reference

SET: dict[str, Any] = {
    "task": "image_recognition",
    "fingerprint": "f",
    "metric": "accuracy",
    "direction": "maximize",
    "target": 0.98,
    "floor": 0.1,
    "quality": 0.9,
    "to_target": {"examples": [300, 100, 900]},
}


def written(folder: Path, **changes: Any) -> Path:
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump({"sets": {"digits": SET | changes}}))
    return path


def test_values_are_normalised_between_floor_and_quality(tmp_path: Path) -> None:
    (one,) = Reference.read(written(tmp_path)).sets
    assert [one.normalized(value) for value in (0.1, 0.5, 0.9)] == pytest.approx([0, 0.5, 1])
    assert one.median("examples") == 300
    assert one.median("joules") is None
    error = {"direction": "minimize", "floor": 1.0, "quality": 0.2}
    (one,) = Reference.read(written(tmp_path, **error)).sets
    assert [one.normalized(value) for value in (1.0, 0.6, 0.2, 0.1)] == pytest.approx(
        [0, 0.5, 1, 1.125]
    )


def test_the_suites_own() -> None:
    reference = Reference.read()
    assert [one.data for one in reference.sets] == [
        "digits",
        "language_names",
        "spoken_words",
        "spoken_digits_ctc",
    ]
    for one in reference.sets:
        # Measured on all but joules, which the machine does not tell.
        assert {"training_seconds", "wall_seconds", "steps", "examples"} == one.to_target.keys()
        assert len(set(map(len, one.to_target.values()))) == 1
    assert reference.machine
    assert EMBEDDED.read_text().startswith("#")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"quality": 0.1}, r"sets\.digits\.quality=0.1: must be better than floor=0.1"),
        ({"direction": "up"}, r"sets\.digits\.direction=up: maximize or minimize"),
        ({"target": "high"}, r"sets\.digits\.target=high: must be a number"),
        ({"fingerprint": None}, r"sets\.digits\.fingerprint=None: give a name"),
        ({"to_target": {"hours": [1]}}, r"to_target=.*hours.*: must hold lists"),
        ({"to_target": {"steps": []}}, r"to_target\.steps=\[\]: give a list"),
        ({"to_target": {"steps": [0]}}, r"to_target\.steps=\[0\]: must be above 0"),
        ({"to_target": {"steps": [float("inf")]}}, r"steps=inf: must be a number"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError, match=told) as caught:
        Reference.read(written(tmp_path, **changes))
    assert "mine.yaml" in str(caught.value)


@pytest.mark.parametrize("text", ["", "sets: 3", "a: [", "sets: {}", "sets: {digits: 3}"])
def test_what_is_no_reference_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(DataError, match=r"mine\.yaml"):
        Reference.read(path)
    with pytest.raises(DataError, match=r"none\.yaml: not a reference"):
        Reference.read(tmp_path / "none.yaml")
