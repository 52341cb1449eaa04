import json
from pathlib import Path

import pytest

from suite.errors import DataError
from suite.tracking.state import State


def test_what_a_later_version_notes_is_left_out(tmp_path: Path) -> None:
    state = State(uri="http://there", experiment="mine", run="r", offset=7)
    state.write(tmp_path)
    path = tmp_path / "tracking.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "later": [1]}))
    assert State.read(tmp_path) == state


@pytest.mark.parametrize(
    "text", ["{", "[]", "null", "\0\0", '{"uri": 3, "experiment": "a"}',
             '{"uri": "a", "experiment": "b", "offset": "7"}'],
)  # fmt: skip
def test_one_that_is_broken_says_so_and_is_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "tracking.json").write_text(text)
    with pytest.raises(DataError, match=rf"unreadable .* triathlon sync {tmp_path.name} --uri URI"):
        State.read(tmp_path)
    assert State.of(tmp_path, "a") is None


def test_another_tracker_knows_nothing(tmp_path: Path) -> None:
    State(uri="http://there", experiment="mine").write(tmp_path)
    assert State.of(tmp_path, "http://here") is None


def test_a_folder_that_was_deleted_does_not_come_back(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not there any more"):
        State(uri="http://there", experiment="mine").write(tmp_path / "gone")
    assert not (tmp_path / "gone").exists()
