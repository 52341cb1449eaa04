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
