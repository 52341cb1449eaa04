import math
from contextlib import contextmanager
from dataclasses import replace
from itertools import count, pairwise

import pytest
import safetensors.torch
import torch
from torch import nn

from suite import Batch, Direction, Loss, Split, Target
from suite.errors import TrainingError
from suite.training.loop import accumulate, fit, length_in_steps
from suite.training.parallel import Alone


def _part(batch, part):
    tensors = {name: tensor[part] for name, tensor in batch.items()}
    return Batch(tensors, len(tensors["value_B"]), len(tensors["value_B"]))


def _gradients(run, batches):
    run.model.zero_grad()
    run.model.eval()  # dropout would differ
    total, examples = accumulate(run, batches)
    return [p.grad.clone() for p in run.model.parameters()], float(total), examples


@pytest.mark.parametrize("sizes", [[8], [4, 4], [1, 7], [5, 1, 2], [1] * 8])
def test_accumulated_gradient_is_that_of_one_batch_of_all(bench, sizes):
    run = bench().run
    whole = next(run.task.train_batches(seed=0))
    expected = _gradients(run, [whole])
    stops = torch.tensor([0, *sizes]).cumsum(0).tolist()
    parts = [_part(whole, slice(a, b)) for a, b in pairwise(stops)]
    gradients, total, examples = _gradients(run, parts)
    torch.testing.assert_close(gradients, expected[0])
    assert total == pytest.approx(expected[1])
    assert examples == expected[2] == 8
    # And it is the mean's: by hand from the definition.
    model, x_BD = run.model, whole["x_BD"]
    mean = (model.layer(x_BD).squeeze(1) - whole["value_B"]).square().mean()
    torch.testing.assert_close(gradients, list(torch.autograd.grad(mean, model.parameters())))


def test_loss_that_counts_what_it_likes_is_averaged_over_all_of_it(bench):
    run = bench().run
    batches = [_part(next(run.task.train_batches(seed=0)), slice(0, n)) for n in (2, 6)]
    # Counts tokens, say: twice as many to an example in the second batch.
    counts = {2: 2, 6: 12}
    run.task.loss = lambda model, batch: Loss(model(batch).sum(), counts[batch.examples])
    gradients, _, total = _gradients(run, batches)
    assert total == 14
    assert float(gradients[1]) == pytest.approx(8 / 14)


def test_accumulation_takes_whole_batches_for_each_step(bench):
    made = bench(steps=3, accumulate=4)
    outcome = fit(made.run)
    assert (outcome.steps, outcome.examples, outcome.units) == (3, 96, 96)
    assert made.run.meter.examples == [32, 32, 32]


def test_gradient_is_clipped_after_it_is_averaged(bench):
    free, clipped = bench(steps=1), bench(steps=1, clip_norm=0.01, lr=1.0)
    before = [p.detach().clone() for p in clipped.run.model.parameters()]
    fit(free.run)
    fit(clipped.run)
    moved = torch.cat(
        [(p - b).flatten() for p, b in zip(clipped.run.model.parameters(), before, strict=True)]
    )
    assert float(moved.detach().norm()) == pytest.approx(0.01, rel=1e-3)
    assert clipped.series("train/gradient_norm")[0][1] > 0.1  # the norm before clipping
    assert free.series("train/gradient_norm") == []


def test_stops_at_the_length_and_validates_there(bench):
    made = bench(steps=7, evaluate_every=0.3)  # every 3 of 10 batches
    outcome = fit(made.run)
    assert (outcome.steps, outcome.stopped) == (7, "length")
    assert [step for step, _ in made.series("validation/error")] == [3, 6, 7]
    assert [step for step, _ in made.series("train/loss")] == [1, 2, 3, 4, 5, 6, 7]


def test_stops_at_the_target_and_tells_both_clocks(bench):
    made = bench(steps=200, evaluate_every=0.2, stop_at_target=True, lr=0.3)
    outcome = fit(made.run)
    assert outcome.stopped == "target"
    assert outcome.steps < 200
    step = outcome.steps
    assert outcome.reached == {
        "step": step,
        "examples": outcome.examples,
        "units": outcome.units,
        "training_seconds": step,
        "wall_seconds": 2 * step,
    }
    errors = [value for _, value in made.series("validation/error")]
    assert errors[-1] <= 0.2 < min(errors[:-1])


def test_goes_on_after_the_target_and_remembers_the_first_time(bench):
    stopping, going = (
        bench(steps=200, evaluate_every=0.2, stop_at_target=stop, lr=0.3) for stop in (True, False)
    )
    stopped, gone = fit(stopping.run), fit(going.run)
    assert (gone.stopped, gone.steps) == ("length", 200)
    assert gone.reached == stopped.reached is not None


def test_stops_at_convergence(bench):
    made = bench(steps=500, evaluate_every=0.1, lr=0.3)
    made.run.config.convergence = replace(
        made.run.config.convergence, enabled=True, patience=3, minimum_gain=0.01
    )
    outcome = fit(made.run)
    assert outcome.stopped == "convergence"
    assert 3 < outcome.steps < 500
    errors = [value for _, value in made.series("validation/error")]
    assert min(errors[:-3]) - min(errors[-3:]) < 0.02


def test_stops_when_the_training_clock_has_run_out_and_validates(bench):
    made = bench(steps=100, max_seconds=5.0, evaluate_every=5)
    outcome = fit(made.run)
    assert (outcome.stopped, outcome.steps) == ("time", 5)
    assert [step for step, _ in made.series("validation/error")] == [5]
    assert outcome.best_step == 5


def test_clock_stands_still_while_the_loop_looks(bench):
    made = bench(steps=4, log_every=2, evaluate_every=0.4)
    fit(made.run)
    assert made.run.meter.calls == [
        *("resume", "step", "step", "pause", "resume", "step", "step", "pause")
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"epochs": 2.0}, (20, 10)),
        ({"epochs": 0.25}, (3, 10)),
        ({"epochs": 2.0, "accumulate": 4}, (5, 2)),
        ({"epochs": 1.0, "accumulate": 20}, (1, 1)),
        ({"epochs": 2.0, "steps": 7}, (7, 10)),
        ({"steps": 7, "evaluate_every": 0.5}, (7, 5)),
        ({"steps": 7, "evaluate_every": 0.001}, (7, 1)),
    ],
)
def test_length_in_epochs_or_steps(bench, options, expected):
    run = bench(**{"steps": None, **options}).run
    assert length_in_steps(run.task, run.config) == expected


def test_same_seed_is_bit_identical_and_another_seed_is_not(bench):
    def losses(seed):
        made = bench(steps=15, seed=seed)
        fit(made.run)
        return made.series("train/loss"), made.series("validation/error")

    assert losses(0) == losses(0)
    assert losses(0)[0] != losses(1)[0]


def test_dropout_is_a_function_of_seed_and_step_alone(bench):
    made, disturbed = bench(steps=5), bench(steps=5)
    fit(made.run)
    loss = disturbed.run.task.loss

    def drawing(model, batch):
        result = loss(model, batch)
        torch.rand(7)  # another consumer of the global generator
        return result

    disturbed.run.task.loss = drawing
    fit(disturbed.run)
    assert made.series("train/loss") == disturbed.series("train/loss")


def test_averaged_weights_are_those_that_are_evaluated_and_kept(bench):
    made = bench(steps=6, ema_decay=0.9, evaluate_every=10, lr=0.5)
    weights = []
    run = made.run
    step = run.meter.step

    def remember(taken):
        weights.append(run.model.layer.weight.detach().clone())
        step(taken)

    start = run.model.layer.weight.detach().clone()
    run.meter.step = remember
    fit(run)
    mean = start
    for updates, live in enumerate(weights):
        decay = min(0.9, (1 + updates) / (10 + updates))
        mean = decay * mean + (1 - decay) * live
    kept = safetensors.torch.load_file(run.best.path)["layer.weight"]
    torch.testing.assert_close(kept, mean)
    assert not torch.allclose(kept, weights[-1])
    # The live weights are back.
    assert torch.equal(run.model.layer.weight, weights[-1])
    # What was evaluated is the average.
    with torch.no_grad():
        run.model.layer.weight.copy_(kept)
        run.model.layer.bias.copy_(safetensors.torch.load_file(run.best.path)["layer.bias"])
        run.model.eval()
        (batch,) = run.task.eval_batches(Split.VALIDATION)
        error = float((run.model(batch) - batch["value_B"]).abs().mean())
    assert made.series("validation/error")[-1][1] == pytest.approx(error, rel=1e-5)


def test_best_weights_are_kept_not_the_last(bench):
    made = bench(steps=40, evaluate_every=0.1, lr=0.3)
    run = made.run
    run.schedule = lambda progress: 1.0 if progress < 0.5 else 15.0  # diverges, but stays finite
    outcome = fit(run)
    errors = dict(made.series("validation/error"))
    assert outcome.best_step == min(errors, key=errors.get)
    assert outcome.best["error"] == min(errors.values())
    assert outcome.best_step < 30


def test_of_equal_metrics_the_lower_loss_is_better(bench):
    made = bench(steps=3, evaluate_every=0.1)
    losses = iter([3.0, 1.0, 2.0])
    made.run.task.evaluate = lambda model, batch, metrics: (
        metrics.update(torch.ones(1), torch.zeros(1)) or Loss(torch.tensor(next(losses)), 1)
    )
    outcome = fit(made.run)
    assert outcome.best_step == 2
    assert outcome.best["loss"] == 1.0


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_loss_that_is_not_finite_ends_the_run(bench, value):
    made = bench(steps=10)
    loss = made.run.task.loss
    steps = count(1)

    def breaking(model, batch):
        good = loss(model, batch)
        return Loss(good.total * (value if next(steps) == 4 else 1.0), good.count)

    made.run.task.loss = breaking
    with pytest.raises(TrainingError, match=r"loss is (nan|inf) at step 4.*optimizer\.lr"):
        fit(made.run)


def test_training_mode_is_restored_after_a_validation(bench):
    made = bench(steps=4, evaluate_every=0.1)
    modes = []
    loss = made.run.task.loss
    made.run.task.loss = lambda model, batch: modes.append(model.training) or loss(model, batch)
    evaluate = made.run.task.evaluate
    looks = []
    made.run.task.evaluate = lambda model, batch, metrics: (
        looks.append(model.training) or evaluate(model, batch, metrics)
    )
    fit(made.run)
    assert (modes, looks) == ([True] * 4, [False] * 4)


def test_learning_rate_is_the_schedules_at_the_middle_of_each_step(bench):
    made = bench(steps=4, lr=2.0)
    made.run.schedule = lambda progress: progress
    fit(made.run)
    assert [v for _, v in made.series("train/learning_rate_factor")] == [0.125, 0.375, 0.625, 0.875]
    assert made.run.optimizers.members[0].param_groups[0]["lr"] == 2.0 * 0.875


def test_target_on_a_metric_that_is_none_is_named(bench):
    made = bench(steps=1)
    made.run.task.target = Target(metric="accuracy", threshold=1, direction=Direction.MAXIMIZE)
    with pytest.raises(TrainingError, match=r"target metric accuracy.*error, loss"):
        fit(made.run)


def test_batches_may_come_from_acting_with_the_model(bench, line):
    class Bandit(line):
        """Two arms that pay 0 and 1; the batch is what the model chose to pull (REINFORCE)."""

        primary = "reward"
        target = Target(metric="reward", threshold=0.9, direction=Direction.MAXIMIZE)

        def build_model(self, backbone=None):
            self.model = nn.ParameterDict({"logits": nn.Parameter(torch.zeros(2))})
            return self.model

        def train_batches(self, *, seed, skip=0):
            for number in count(skip):
                generator = torch.Generator().manual_seed(seed * 1000 + number)
                chance = self.model["logits"].detach().softmax(0)
                arm_B = torch.multinomial(chance, 16, replacement=True, generator=generator)
                yield Batch({"arm_B": arm_B}, 16, 16)

        def eval_batches(self, split):
            yield Batch({"arm_B": torch.arange(2)}, 2, 2)

        def loss(self, model, batch):
            reward_B = batch["arm_B"].float() - 0.5
            log_B = model["logits"].log_softmax(0)[batch["arm_B"]]
            return Loss(-(reward_B * log_B).sum(), batch.examples)

        def metrics(self):
            from torchmetrics import MeanMetric, MetricCollection

            return MetricCollection({"reward": MeanMetric()})

        def evaluate(self, model, batch, metrics):
            metrics.update(model["logits"].softmax(0)[1])
            return self.loss(model, batch)

        def batches_per_epoch(self):
            return None

    with pytest.raises(TrainingError, match=r"trainer\.epochs=10.*no epochs; give trainer\.steps"):
        fit(bench(Bandit, steps=None, epochs=10.0).run)
    made = bench(Bandit, steps=200, evaluate_every=10, stop_at_target=True, lr=0.5)
    outcome = fit(made.run)
    assert outcome.stopped == "target"
    # Without epochs `evaluate_every` counts steps.
    assert all(step % 10 == 0 for step, _ in made.series("validation/reward"))


def test_compiled_model_trains_and_the_model_itself_is_evaluated_and_kept(bench):
    class Compiled(nn.Module):
        def __init__(self, model):
            super().__init__()
            self.whole = [model]
            self.modes = []

        def forward(self, batch):
            self.modes.append(self.whole[0].training)
            return self.whole[0](batch)

    plain, made = bench(steps=5), bench(steps=5)
    made.run.engine = Alone(made.run.model, Compiled(made.run.model))
    fit(plain.run)
    fit(made.run)
    assert made.run.engine.forward.modes == [True] * 5
    assert made.series("train/loss") == plain.series("train/loss")
    assert set(safetensors.torch.load_file(made.run.best.path)) == set(made.run.model.state_dict())


def test_the_parts_of_a_step_are_told_in_order(bench):
    class Listener:
        def __init__(self):
            self.heard = []

        def begin(self, step):
            self.heard.append(step)

        @contextmanager
        def part(self, name):
            self.heard.append(name)
            yield

        def close(self):
            self.heard.append("closed")

    made = bench(steps=2, accumulate=2, log_every=2)
    listener = made.run.profile = Listener()
    fit(made.run)
    step = ["data", *["forward", "backward"] * 2, "optimizer"]
    assert listener.heard == [1, *step, 2, *step, "logging", "closed"]


@pytest.mark.parametrize(("looks", "every"), [(4, 25), (3, 34), (200, 1)])
def test_looks_are_spread_over_the_run(bench, looks, every):
    made = bench(steps=100, evaluations=looks)
    assert length_in_steps(made.run.task, made.run.config) == (100, every)
