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
