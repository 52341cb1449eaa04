import errno

import pytest

from suite import errors


@pytest.mark.parametrize(
    ("value", "options", "expected"),
    [
        ("resent", ["resnet", "mlp"], "; did you mean 'resnet'?"),
        ("mlp", ["mlp"], "; did you mean 'mlp'?"),
        ("xyz", ["resnet", "mlp"], ""),
        ("x", [], ""),
    ],
)
def test_nearest(value, options, expected):
    assert errors.nearest(value, options) == expected


def test_what_cannot_be_printed_is_escaped():
    error = errors.DataError("a\nb\udcff\x1b[31m: größer … 字; mend it")
    assert str(error) == r"a\nb\udcff\x1b[31m: größer … 字; mend it"
    assert str(errors.DataError("a: b")) == "a: b"


def test_the_middle_of_a_message_without_end_is_left_out():
    told = str(errors.DataError(f"a.csv: has {'x' * 10**6}; mend it"))
    assert len(told) < 1600
    assert told.startswith("a.csv: has xxx")
    assert told.endswith("xxx; mend it")


def test_tree_drawn_in_the_docstring_is_the_tree():
    classes = {
        name: kind
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, Exception)
    }
    for name, kind in classes.items():
        assert name in errors.__doc__
        assert issubclass(kind, errors.TriathlonError)
        if name != "TriathlonError":
            # A child is drawn further in than its parent.
            lines = errors.__doc__.splitlines()
            place = {n: next(li for li in lines if n in li).index(n) for n in classes}
            assert place[name] > place[kind.__base__.__name__]


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
        (OSError(errno.EACCES, "Permission denied"), False),
        # As safetensors and torch.save say it.
        (ValueError("Error while serializing: I/O error: … (os error 28)"), True),
        (
            RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534"),
            True,
        ),
        (RuntimeError("loss is not finite"), False),
    ],
)
def test_a_full_disk_is_known_behind_other_errors(error, full):
    assert errors.is_disk_full(error) is full
    explained = errors.TrainingError("cannot write a checkpoint")
    explained.__cause__ = error
    assert errors.is_disk_full(explained) is full
