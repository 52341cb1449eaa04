from suite.tracking.rows import flatten, legal


def test_flatten() -> None:
    config = {"seed": 1, "task": {"name": "x", "options": {"crop": None, "sizes": [1, 2]}}, "e": {}}
    assert flatten(config) == {
        "seed": "1",
        "task.name": "x",
        "task.options.crop": "null",
        "task.options.sizes": "[1, 2]",
        "e": "{}",
    }


def test_long_values_are_cut() -> None:
    assert len(flatten({"a": "x" * 10_000})["a"]) < 6000


def test_legal() -> None:
    assert legal("validation/f1@5 (mean)") == "validation/f1_5 _mean_"
    assert legal("test/word_error_rate") == "test/word_error_rate"
