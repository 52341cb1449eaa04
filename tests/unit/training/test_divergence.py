from suite.training.divergence import LOGS, Divergence
from suite.training.loop import fit


def _found(losses, factor=3.0):
    watch = Divergence(factor)
    return [number for number, loss in enumerate(losses) if watch.found(loss)]


def test_far_above_the_first_for_ten_logs():
    assert _found([2.0] + [7.0] * 30) == [LOGS]
    assert _found([2.0] + [7.0] * (LOGS - 1) + [1.9] + [7.0] * (LOGS - 1)) == []
    assert _found([2.0] + [5.9] * 30) == []  # not so far


def test_having_lost_what_was_learned():
    assert _found([2.3, 1.5, 0.7] + [2.31] * 30) == [2 + LOGS]
    assert _found([2.3, 1.5, 0.7] + [2.2] * 30) == []
    assert _found([2.3, 1.5, 1.0] + [2.31] * 30) == []  # it had not learned much


def test_never_of_noise_near_zero_nor_of_what_begins_there():
    assert _found([2.3, 0.1, 0.001] + [0.05] * 50) == []
    assert _found([-0.5] + [3.0] * 50) == []
    assert _found([2.0] + [100.0] * 50, factor=None) == []


def test_a_resumed_run_goes_on_counting():
    whole, first, second = (Divergence(3.0) for _ in range(3))
    losses = [2.0] + [7.0] * 12
    expected = [whole.found(loss) for loss in losses]
    before = [first.found(loss) for loss in losses[:6]]
    second.load_state_dict(first.state_dict())
    assert before + [second.found(loss) for loss in losses[6:]] == expected


def test_warns_once_and_stops_where_asked(bench, capsys):
    def made(**options):
        run = bench(steps=60, evaluate_every=10, **options)
        run.run.schedule = lambda progress: 15.0  # diverges, but stays finite
        return run

    going, stopping = made(), made(stop_at_divergence=True)
    outcome = fit(going.run)
    told = capsys.readouterr().err
    assert (outcome.stopped, outcome.steps) == ("length", 60)
    assert told.count("training has diverged") == 1
    assert f"at step {outcome.diverged} its loss is" in told
    outcome = fit(stopping.run)
    assert (outcome.stopped, outcome.steps) == ("divergence", outcome.diverged)
    assert stopping.series("validation/error")[-1][0] == outcome.diverged
