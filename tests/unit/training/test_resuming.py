"""A training that is stopped and goes on in another process ends like one that was not stopped."""

import os
import signal
import subprocess
import sys

import pytest
import torch

from suite.config import CheckpointConfig
from suite.errors import DataError
from suite.stop import Interrupted
from suite.training.checkpoint import Checkpoints
from suite.training.loop import fit
from suite.training.optimizers import Optimizers, adamw, muon, sgd
from suite.training.weights import Best

OPTIMIZERS = {
    "sgd": lambda m: sgd(m, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.1),
    "adamw": lambda m: adamw(m, lr=0.05, beta1=0.9, beta2=0.99, eps=1e-8, weight_decay=0.1),
    "muon": lambda m: muon(m, lr=0.02, adamw_lr=0.05, momentum=0.9, weight_decay=0.1),
}


@pytest.fixture
def make(bench, tmp_path):
    """Make a run that keeps checkpoints in a folder of this name."""

    def prepared(folder, optimizer="adamw", every=None, **options):
        made = bench(steps=24, evaluate_every=0.5, log_every=3, **options)
        model = made.run.model
        made.run.optimizers = OPTIMIZERS[optimizer](model)
        made.run.checkpoints = Checkpoints(
            tmp_path / folder, CheckpointConfig(every_steps=every, every_minutes=None)
        )
        made.run.best = Best(tmp_path / folder)
        return made

    return prepared


def _signal_at(made, step, signum=signal.SIGTERM):
    """Have a signal arrive in the middle of a step."""
    take = made.run.meter.take

    def taking(batches, count):
        if len(made.run.meter.examples) == step - 1:
            made.run.stop.ask(signum)
        return take(batches, count)

    made.run.meter.take = taking


def _all(made):
    return [
        p.detach().clone() for p in made.run.model.parameters()
    ], made.run.best.path.read_bytes()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("step", [1, 4, 5, 6, 23, 24])
def test_stopped_after_any_step_it_ends_the_same(make, optimizer, step):
    options = {"optimizer": optimizer, "ema_decay": 0.9, "accumulate": 2, "clip_norm": 0.5}
    whole = make("whole", **options)
    expected = fit(whole.run)
    first = make("stopped", **options)
    _signal_at(first, step)
    with pytest.raises(Interrupted) as stopped:
        fit(first.run)
    assert stopped.value.code == 128 + signal.SIGTERM
    second = make("stopped", **options)
    second.run.saved = second.run.checkpoints.latest()
    assert second.run.saved.step == step
    outcome = fit(second.run)
    assert outcome == expected
    assert first.emitted + second.emitted == whole.emitted
    weights, best = _all(second)
    assert best == _all(whole)[1]
    assert all(torch.equal(a, b) for a, b in zip(weights, _all(whole)[0], strict=True))


def test_killed_it_goes_on_from_the_last_checkpoint(make):
    whole = make("whole")
    fit(whole.run)
    first = make("killed", every=7)
    take = first.run.meter.take

    def taking(batches, count):
        if len(first.run.meter.examples) == 16:
            raise MemoryError
        return take(batches, count)

    first.run.meter.take = taking
    with pytest.raises(MemoryError):
        fit(first.run)
    second = make("killed", every=7)
    second.run.saved = second.run.checkpoints.latest()
    assert second.run.saved.step == 14
    fit(second.run)
    told = [one for one in first.emitted if one[0] <= 14] + second.emitted
    assert told == whole.emitted
    assert _all(second)[1] == _all(whole)[1]


def test_what_a_tasks_batches_depend_on_goes_on_with_the_run(make, line):
    class Wandering(line):
        """Each batch is shifted by what all before it came to."""

        given, shift = 0, torch.zeros(1)

        def train_batches(self, *, seed, skip=0):
            assert skip == self.given
            while True:
                batch = self._batch(seed, self.given, self.setup.batch_size)
                batch["value_B"].add_(self.shift)
                self.shift = self.shift + 0.01 * batch["value_B"].mean()
                self.given += 1
                yield batch

        def state_dict(self):
            return {"given": self.given, "shift": self.shift}

        def load_state_dict(self, state):
            self.given, self.shift = state["given"], state["shift"]

    whole = make("whole", kind=Wandering)
    expected = fit(whole.run)
    first = make("stopped", kind=Wandering)
    _signal_at(first, 11)
    with pytest.raises(Interrupted):
        fit(first.run)
    second = make("stopped", kind=Wandering)
    second.run.saved = second.run.checkpoints.latest()
    assert fit(second.run) == expected
    assert first.emitted + second.emitted == whole.emitted
    assert _all(second)[1] == _all(whole)[1]


def test_signal_amid_validation_stops_there_and_it_is_made_again(make):
    whole = make("whole")
    fit(whole.run)
    first = make("stopped")
    run = first.run
    evaluate = type(run.task).eval_batches

    def batches(split):
        if len(run.meter.examples) == 10:
            run.stop.ask(signal.SIGINT)
        yield from evaluate(run.task, split)

    run.task.eval_batches = batches
    with pytest.raises(Interrupted) as stopped:
        fit(run)
    assert stopped.value.code == 130
    second = make("stopped")
    second.run.saved = second.run.checkpoints.latest()
    assert second.run.saved.step == 10
    fit(second.run)
    assert first.emitted + second.emitted == whole.emitted


def test_launcher_that_handles_a_signal_gets_it_behind_the_checkpoint(make):
    made = make("launched")
    seen = []

    def bypass(signum, frame):
        seen.append((signum, made.run.checkpoints.latest().step))

    before = signal.signal(signal.SIGUSR2, bypass)
    try:
        with made.run.stop.listening():
            take = made.run.meter.take

            def taking(batches, count):
                if len(made.run.meter.examples) == 8:
                    os.kill(os.getpid(), signal.SIGUSR2)
                return take(batches, count)

            made.run.meter.take = taking
            outcome = fit(made.run)
    finally:
        signal.signal(signal.SIGUSR2, before)
    assert seen == [(signal.SIGUSR2, 9)]
    assert outcome.steps == 24


def test_checkpoint_of_other_data_is_refused(make):
    first = make("stopped")
    first.run.identity = {"the data's fingerprint": "abc"}
    _signal_at(first, 4)
    with pytest.raises(Interrupted):
        fit(first.run)
    second = make("stopped")
    second.run.identity = {"the data's fingerprint": "xyz"}
    second.run.saved = second.run.checkpoints.latest()
    with pytest.raises(DataError, match="the data's fingerprint was abc, and is xyz now"):
        fit(second.run)


def test_checkpoint_of_another_model_is_refused(make):
    first = make("stopped")
    _signal_at(first, 4)
    with pytest.raises(Interrupted):
        fit(first.run)
    second = make("stopped")
    second.run.model.layer = torch.nn.Linear(2, 1)
    second.run.optimizers = Optimizers(torch.optim.SGD(second.run.model.parameters(), lr=0.1))
    second.run.saved = second.run.checkpoints.latest()
    with pytest.raises(DataError, match="not a checkpoint of this model"):
        fit(second.run)


def test_second_signal_ends_the_process_at_once():
    script = (
        "import os, signal, time\n"
        "from suite.stop import Stop\n"
        "stop = Stop()\n"
        "with stop.listening(), stop.deferred():\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    print(stop.asked, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    time.sleep(60)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout) == (143, "True\n")
