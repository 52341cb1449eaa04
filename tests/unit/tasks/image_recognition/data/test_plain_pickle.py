import os
import pickle
import pickletools

import numpy as np
import pytest

from suite import DataError
from tasks.image_recognition.data.plain_pickle import load_plain


class Runs:
    """Runs a command when it is unpickled."""

    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call[0], self.call[1:]


def test_plain_data_comes_back():
    array = np.arange(12, dtype=np.uint8).reshape(3, 4)
    held = {"data": array, "labels": [1, 2, 3], "name": "batch", "empty": None, "share": 0.5}
    for protocol in (3, 4, 5):
        found = load_plain(pickle.dumps(held, protocol), "f") if protocol < 5 else held
        assert np.array_equal(found.pop("data"), array)
        assert found == {k: v for k, v in held.items() if k != "data"}


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_that_runs_a_command_is_refused_unrun(tmp_path, protocol):
    mark = tmp_path / "run"
    evil = {"data": Runs(os.system, f"touch {mark}")}
    with pytest.raises(DataError, match=r"batch: asks for posix\.system, which is no plain data"):
        load_plain(pickle.dumps(evil, protocol), "batch")
    assert not mark.exists()


@pytest.mark.parametrize(
    "call",
    [
        (eval, "1"),
        (exec, "1"),
        (getattr, "a", "upper"),
        (np.load, "file"),
        (pickle.loads, b""),
        (__import__, "os"),
    ],
    ids=lambda call: call[0].__name__,
)
def test_every_other_function_is_refused(call):
    with pytest.raises(DataError, match="which is no plain data"):
        load_plain(pickle.dumps(Runs(*call), 4), "batch")


def test_attributes_of_what_is_allowed_are_refused():
    # Protocol 4 names may have dots: numpy's `ndarray.tofile` would write.
    content = b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93."
    assert [code.name for code, _, _ in pickletools.genops(content)][-2:] == [
        "STACK_GLOBAL",
        "STOP",
    ]
    with pytest.raises(DataError, match=r"asks for numpy\.ndarray\.tofile"):
        load_plain(content, "batch")


def test_an_array_of_a_class_of_its_own_is_refused():
    content = b"\x80\x02cnumpy._core.multiarray\n_reconstruct\ncnumpy\ndtype\nK\x00\x85U\x01b\x87R."
    with pytest.raises(DataError, match="an array of a class of its own"):
        load_plain(content, "batch")


@pytest.mark.parametrize("content", [b"", b"\x80\x02}", b"not a pickle", b"\x80\x02R."])
def test_damage_is_one_line(content):
    with pytest.raises(DataError, match=r"^batch: cannot be read \(.*\); fetch it again$") as told:
        load_plain(content, "batch")
    assert "\n" not in str(told.value)
