from suite.report.leaderboard import leaderboard
from suite.report.page.answers import answer_of


def _answer(records):
    (board,) = leaderboard(records).boards
    return answer_of(0, board)


def test_a_difference_that_seeds_do_not_explain(made):
    records = [made("digits", "lstm", seed, 0.980 + 0.001 * seed) for seed in (0, 1, 2)]
    records += [made("digits", "mlp", seed, 0.900 + 0.0011 * seed) for seed in (0, 1, 2)]
    answer = _answer(records)
    assert answer.sentence == (
        "lstm + adamw is best on image_recognition / digits: test accuracy "
        "0.981 (0.979–0.983, n=3); second mlp + adamw, 0.901 (0.898–0.904, n=3): worse."
    )
    assert answer.told.startswith("The gap of 0.08 is more than seeds make (p\xa0=\xa0")


def test_a_difference_that_seeds_may_make(made):
    records = [made("digits", "lstm", s, v) for s, v in enumerate((0.98, 0.96, 0.97))]
    records += [made("digits", "mlp", s, v) for s, v in enumerate((0.95, 0.98, 0.97))]
    answer = _answer(records)
    assert answer.verdict == "not distinguishable"
    assert "not distinguishable." in answer.sentence
    assert answer.told.startswith("Seeds alone may make the gap of 0.0033 (p\xa0=\xa00.")
    assert answer.told.endswith("More seeds may tell.")


def test_second_is_another_backbone_where_there_is_one(made):
    records = [made("digits", "lstm", 0, 0.98), made("digits", "mlp", 0, 0.90)]
    records.append(made("digits", "lstm", 0, 0.97, optimizer="sgd"))
    answer = _answer(records)
    assert (answer.best, answer.rival) == ("lstm + adamw", "mlp + adamw")
    assert answer.value == "0.980 (n=1)"
    assert answer.verdict == "too few runs"
    assert answer.told == "Too few runs to tell: 3 seeds of each are needed, and the fewer have 1."
    assert _answer(records[::2]).rival == "lstm + sgd"


def test_alone_there_is_nothing_to_compare_with(made):
    answer = _answer([made("digits", "mlp", 0, 0.9)])
    assert answer.rival == ""
    assert answer.sentence == (
        "mlp + adamw is best on image_recognition / digits: test accuracy 0.900 (n=1)."
    )


def test_lower_is_better_where_it_is(made):
    records = [made("speech", "mlp", 0, 0.1), made("speech", "lstm", 0, 0.2)]
    assert _answer(records).best == "mlp + adamw"


def test_close_values_get_the_digits_that_tell_them_apart(made):
    records = [made("digits", "mlp", 0, 0.98001), made("digits", "lstm", 0, 0.98004)]
    answer = _answer(records)
    assert (answer.value, answer.rival_value) == ("0.98004 (n=1)", "0.98001 (n=1)")


def test_results_of_others_are_told(made):
    interval = {"test/accuracy": (0.94, 0.96, "Wilson score")}
    answer = _answer([made("digits", "mlp", 0, 0.95, intervals=interval)])
    assert answer.others == (
        "Best published: 0.950 (LeNet), reproduced.",
        "People: 0.970 (people), not reached.",
    )
