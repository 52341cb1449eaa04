"""Batches in parts: the same gradient, the same steps; and halves where memory runs out."""

from itertools import islice

import pytest
import torch
from torch import nn

from suite import Batch, Loss
from suite.errors import TrainingError
from suite.training.loop import accumulate, fit
from suite.training.parallel import Alone
from suite.training.pieces import fitting, in_parts, split

DEVICE = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total")
HOST = RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: tried 12 bytes.")


class Ragged(nn.Module):
    """Sums of what is real of each row, through layers without statistics over the batch."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Sequential(nn.Linear(1, 5), nn.Tanh(), nn.LayerNorm(5), nn.Linear(5, 1))

    def forward(self, batch):
        values_BT = self.layer(batch["values_BT"][..., None])[..., 0]
        real_BT = torch.arange(values_BT.shape[1]) < batch["length_B"][:, None]
        return values_BT, real_BT


def _ragged(examples):
    length_B = torch.arange(examples) % 5 + 1
    tensors = {
        "values_BT": torch.randn(examples, 5),
        "length_B": length_B,
        "noise_TB": torch.randn(5, examples),
        "scale_T": torch.ones(5),
    }
    units = float(length_B.sum())
    return Batch(tensors, examples, units, padded_units=5.0 * examples)


def _loss(model, batch):
    values_BT, real_BT = model(batch)
    wanted_BT = batch["noise_TB"].T * batch["scale_T"]
    # A plugin may count by the units that it gave its batch.
    return Loss(((values_BT - wanted_BT).square() * real_BT).sum(), int(batch.units))


def test_parts_hold_every_example_once_in_order():
    batch = _ragged(11)
    parts = list(split(batch, 4))
    assert [part.examples for part in parts] == [4, 4, 3]
    for name, axis in (("values_BT", 0), ("length_B", 0), ("noise_TB", 1)):
        assert torch.equal(torch.cat([part[name] for part in parts], axis), batch[name])
    assert all(part["scale_T"] is batch["scale_T"] for part in parts)
    assert sum(part.units for part in parts) == batch.units
    assert all(part.units == int(part.units) for part in parts)
    assert sum(part.padded_units for part in parts) == 55
    assert list(in_parts([batch], None)) == list(in_parts([batch], 11)) == [batch]
    seconds = Batch({"wave_BS": torch.zeros(4, 2)}, 4, 1.5)
    assert [part.units for part in split(seconds, 3)] == [1.125, 0.375]


@pytest.mark.parametrize("most", [1, 2, 3, 5, 16])
def test_gradient_of_parts_is_that_of_the_whole(bench, most):
    run = bench().run
    torch.manual_seed(1)
    run.model = Ragged()
    run.engine = Alone(run.model)
    run.task.loss = _loss
    batches = [_ragged(7), _ragged(6)]

    def gradients(parts):
        run.model.zero_grad()
        total, count = accumulate(run, list(parts))
        return float(total), count, [p.grad.clone() for p in run.model.parameters()]

    total, count, whole = gradients(batches)
    total_of_parts, count_of_parts, parts = gradients(in_parts(batches, most))
    assert count_of_parts == count
    assert total_of_parts == pytest.approx(total, rel=1e-6)
    torch.testing.assert_close(parts, whole, rtol=1e-6, atol=1e-6)


def test_work_beside_training_fits_as_training_does():
    batch = _ragged(11)
    assert fitting(lambda part: part.examples, batch, None) == [11]
    assert fitting(lambda part: part.examples, batch, 4) == [4, 4, 3]

    def work(part):
        if part.examples > 3:
            raise DEVICE
        return part.examples

    assert fitting(work, batch, "auto") == [3, 3, 3, 2]
    with pytest.raises(torch.OutOfMemoryError):
        fitting(work, batch, 4)


def _without_dropout(made):
    made.run.model.dropout.p = 0.0
    return made


def test_a_run_in_parts_has_the_same_steps_and_counts(bench):
    whole = _without_dropout(bench(accumulate=2))
    parts, again = (_without_dropout(bench(accumulate=2, micro_batch=3)) for _ in range(2))
    expected, outcome = fit(whole.run), fit(parts.run)
    fit(again.run)
    assert (outcome.steps, outcome.examples, outcome.units) == (20, 320, 320)
    assert parts.run.meter.examples == whole.run.meter.examples
    assert expected.best == pytest.approx(outcome.best, rel=1e-5)
    for name in ("train/loss", "validation/loss"):
        one, two = (dict(made.series(name)) for made in (whole, parts))
        assert one == pytest.approx(two, rel=1e-5)
    assert parts.emitted == again.emitted  # to the last bit, for one size of parts


def _fits(made, examples, error, at_call=0):
    """Let a forward pass fail whose batch has more examples than fit."""
    loss, calls = made.run.task.loss, []

    def limited(model, batch):
        calls.append(batch.examples)
        result = loss(model, batch)
        if batch.examples > examples and len(calls) > at_call:
            raise error
        return result

    made.run.task.loss = limited
    return calls


@pytest.mark.parametrize("error", [DEVICE, HOST, MemoryError("std::bad_alloc")])
def test_auto_halves_and_tries_the_same_step_again(bench, capsys, error):
    fixed, made = (bench(steps=6, micro_batch=size) for size in (2, "auto"))
    calls = _fits(made, 3, error)
    fit(fixed.run)
    outcome = fit(made.run)
    assert calls[:6] == [8, 4, 2, 2, 2, 2]
    assert set(calls[6:]) == {2}
    assert (outcome.part_size, outcome.part_step, outcome.steps) == (2, 1, 6)
    # Dropout is drawn anew and nothing is left of the attempts: as if it had been told before.
    assert made.emitted == fixed.emitted
    told = capsys.readouterr().err
    assert told.count("memory ran out") == 1
    assert "memory ran out at step 1; batches go through the model in parts of 2 examples" in told


def test_buffers_of_an_attempt_are_put_back(bench):
    fixed, made = (bench(steps=3, micro_batch=size) for size in (4, "auto"))
    for one in (fixed, made):
        one.run.model.layer = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1))
        torch.manual_seed(3)
        one.run.model.layer[0].reset_parameters()
    _fits(made, 4, DEVICE)
    fit(fixed.run)
    fit(made.run)
    norm, expected = made.run.model.layer[1], fixed.run.model.layer[1]
    assert int(norm.num_batches_tracked) == int(expected.num_batches_tracked) == 6
    assert torch.equal(norm.running_mean, expected.running_mean)


@pytest.mark.parametrize("options", [{}, {"micro_batch": 4}, {"micro_batch": "auto"}])
def test_says_what_did_not_fit_and_what_to_lower(bench, options):
    made = bench(accumulate=2, **options)
    _fits(made, 0, DEVICE, at_call=6)
    with pytest.raises(TrainingError) as raised:
        fit(made.run)
    told = str(raised.value)
    assert told.startswith("the device's memory ran out in step ")
    size = {None: "8 examples", 4: "4 examples", "auto": "1 example"}[options.get("micro_batch")]
    assert f"a batch of {size} (x_BD is {size.split()[0]} x 1)" in told
    assert "; 2 GiB more could not be had: use " in told
    assert "trainer.batch_size=4 trainer.accumulate=4 (as many examples a step)" in told
    assert ("trainer.micro_batch=auto" in told) == (options.get("micro_batch") != "auto")


def test_memory_that_runs_out_in_a_validation_names_its_batches(bench):
    made = bench(eval_batch_size=64)

    def evaluating(*_):
        raise HOST

    made.run.task.evaluate = evaluating
    with pytest.raises(
        TrainingError, match=r"host's memory ran out in a validation: lower trainer"
    ):
        fit(made.run)


def test_other_errors_pass(bench):
    made = bench(micro_batch="auto")
    _fits(made, 0, RuntimeError("shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        fit(made.run)
    assert len(list(islice(made.emitted, 1))) == 0
