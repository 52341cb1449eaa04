"""The task as a whole, on CartPole and a small network."""

import math
from itertools import islice

import pytest
import torch

from suite import ConfigError, DataError, Split
from suite.compose import compose
from suite.config import CheckpointConfig, PrecisionConfig
from suite.hardware.meter import Meter
from suite.run import build_model, build_optimizers, build_schedule, build_task
from suite.training.checkpoint import Checkpoints
from suite.training.evaluation import evaluate
from suite.training.loop import Training, fit
from suite.training.parallel import Alone
from suite.training.precision import Precision
from suite.training.weights import Best

CPU = torch.device("cpu")
LOSSES = {
    "ppo": ["loss=ppo", "loss.rollout=8", "loss.passes=3"],
    "dqn": ["loss=dqn", "loss.learning_starts=64", "loss.act_every=16", "loss.updates=3",
            "loss.target_interval=2", "loss.exploration_steps=100"],
}  # fmt: skip


@pytest.fixture
def overrides(acting, small):
    return lambda loss, *more: [*acting["cartpole"], *small["mlp"], *LOSSES[loss], *more]


@pytest.fixture
def make():
    def made(overrides):
        config = compose(overrides)
        task = build_task(config, CPU)
        return config, task, build_model(config, task, CPU)

    return made


@pytest.fixture
def training(make, tmp_path):
    def prepared(overrides, folder, every=None):
        config, task, model = make([*overrides, "trainer.steps=14", "trainer.log_every=2"])
        return Training(
            task=task, model=model, engine=Alone(model),
            optimizers=build_optimizers(config, model), schedule=build_schedule(config),
            config=config.trainer, precision=Precision(config.precision, CPU), meter=Meter(CPU),
            emit=lambda step, values: None, best=Best(tmp_path / folder), seed=config.seed,
            checkpoints=Checkpoints(
                tmp_path / folder, CheckpointConfig(every_steps=every, every_minutes=None)
            ),
        )  # fmt: skip

    return prepared


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("killed_at", [1, 5, 9])
def test_a_run_that_goes_on_is_the_run_it_was(overrides, training, loss, killed_at):
    options = overrides(loss, "trainer.accumulate=2", "backbone.dropout=0.1")
    whole = training(options, "whole")
    expected = fit(whole)
    first = training(options, "killed", every=1)

    class Killed(Exception):
        pass

    step = first.meter.step

    def stepping(taken):
        step(taken)
        if first.meter.steps == killed_at + 1:
            raise Killed

    first.meter.step = stepping
    with pytest.raises(Killed):
        fit(first)
    second = training(options, "killed")
    second.saved = second.checkpoints.latest()
    assert second.saved.step == killed_at
    assert fit(second) == expected
    pairs = zip(whole.model.parameters(), second.model.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("loss", LOSSES)
def test_processes_that_act_alike_share_each_batch(overrides, make, loss):
    tasks = [make(overrides(loss))[1] for _ in range(3)]
    whole = islice(tasks[2].train_batches(seed=0), 4)
    shares = [tasks[rank].share_of_training(seed=0, skip=0, rank=rank, size=2) for rank in (0, 1)]
    for batch, one, other in zip(whole, *shares, strict=False):
        assert one.units + other.units == pytest.approx(batch.units)
        for name, tensor in batch.items():
            assert torch.equal(tensor[0::2], one[name])
            assert torch.equal(tensor[1::2], other[name])


@pytest.mark.parametrize("loss", LOSSES)
def test_acting_leaves_generator_and_mode_as_found(overrides, make, loss):
    _, task, model = make(overrides(loss, "backbone.dropout=0.5"))
    for training in (True, False):
        model.train(training)
        before = torch.get_rng_state()
        list(islice(task.train_batches(seed=0), 4))
        assert torch.equal(torch.get_rng_state(), before)
        assert model.training is training
        assert all(parameter.grad is None for parameter in model.parameters())


def test_batches_need_the_state_that_led_to_them(overrides, make):
    _, task, _ = make(overrides("ppo"))
    assert task.state_dict() == {}
    with pytest.raises(DataError, match=r"batch 3 of seed 0 .* only from a checkpoint of there"):
        task.train_batches(seed=0, skip=3)
    list(islice(task.train_batches(seed=0), 2))
    for seed, skip in ((0, 3), (1, 2)):
        with pytest.raises(DataError, match=f"batch {skip} of seed {seed}"):
            task.train_batches(seed=seed, skip=skip)
    next(task.train_batches(seed=0, skip=2))
    assert task.state_dict()["given"] == 3


def test_advantages_of_a_minibatch_are_normalised(overrides, make):
    _, task, _ = make(overrides("ppo"))
    for batch in islice(task.train_batches(seed=0), 3):
        gain_B = batch["advantage_B"]
        assert float(gain_B.mean()) == pytest.approx(0, abs=1e-5)
        assert float(gain_B.std(correction=0)) == pytest.approx(1, abs=1e-4)


def test_a_pass_over_a_rollout_takes_every_transition_once(overrides, make):
    _, task, _ = make(overrides("ppo"))
    one_pass = list(islice(task.train_batches(seed=0), 2))
    seen = {tuple(row) for batch in one_pass for row in batch["observation_BD"].tolist()}
    assert len(seen) == 32
    assert sum(batch.units for batch in islice(task.train_batches(seed=0), 12)) == 64


def test_an_epoch_is_so_many_environment_steps(overrides, make):
    _, ppo, _ = make(overrides("ppo", "task.epoch=3200"))
    assert ppo.batches_per_epoch() == 600
    _, dqn, _ = make(overrides("dqn", "task.epoch=3200"))
    assert dqn.batches_per_epoch() == 600


def test_every_backbone_acts_and_learns(acting, small, make, backbone_name):
    _, task, model = make([*acting["cartpole"], *LOSSES["ppo"], *small[backbone_name]])
    loss = task.loss(model, next(task.train_batches(seed=0)))
    loss.total.backward()
    assert math.isfinite(loss.total.item())
    assert any(bool(p.grad.any()) for p in model.parameters() if p.grad is not None)


def test_critic_may_share_the_layers_of_the_policy(overrides, make):
    sizes = {}
    for critic in ("separate", "shared"):
        _, task, model = make(overrides("ppo", f"task.critic={critic}"))
        sizes[critic] = sum(p.numel() for p in model.parameters())
        assert model(task.example_batch()).shape == (6, 3)
    assert sizes["separate"] > 1.8 * sizes["shared"] - 40


def test_evaluation_does_not_depend_on_the_batch_size(overrides, make):
    found = []
    for size in (1, 4, 256):
        options = [f"trainer.eval_batch_size={size}", "data.episodes=9"]
        _, task, model = make(overrides("dqn", *options))
        values, metrics = evaluate(task, model, Split.TEST, Precision(PrecisionConfig(), CPU))
        found.append((values, metrics["return"].counts()[0].tolist()))
    values, returns = found[0]
    for other, same in found[1:]:
        assert same == returns
        assert other == pytest.approx(values)
    assert values["return"] == pytest.approx(sum(returns) / 9)
    # CartPole gives 1 for every step.
    assert values["episode_length"] == values["return"]
    assert values["solved_share"] == 0
    assert set(values) == {"return", "episode_length", "solved_share", "loss"}


def test_intervals_and_figure_of_the_test(overrides, make):
    _, task, model = make(overrides("ppo"))
    values, metrics = evaluate(task, model, Split.TEST, Precision(PrecisionConfig(), CPU))
    assert values["return"] in task.intervals(metrics)["return"]
    (figure,) = task.figures(metrics)
    assert figure.content.startswith(b"\x89PNG")


def test_target_is_where_the_environment_counts_as_solved(overrides, make):
    _, task, _ = make(overrides("ppo"))
    assert (task.target.metric, task.target.threshold) == ("return", 475)
    _, task, _ = make(overrides("ppo", "task.target=100"))
    assert task.target.threshold == 100
    _, task, _ = make(overrides("ppo", "data=gymnasium", "data.id=MountainCar-v0"))
    assert task.target.threshold == -110


def test_card_tells_the_environment(overrides, make):
    _, task, _ = make(overrides("ppo"))
    card = task.card()
    assert card.name == "CartPole-v1"
    assert card.sizes == {"train": 0, "validation": 6, "test": 6}
    _, other, _ = make(overrides("ppo", "data=acrobot"))
    assert other.card().fingerprint != card.fingerprint


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["data=gymnasium", "data.id=CartPoll-v1"], r"data.id=CartPoll-v1: gymnasium cannot make"),
        (["data=gymnasium", "data.id=Pendulum-v1"], r"data.id=Pendulum-v1: takes actions Box"),
        (["data=gymnasium", "data.id=os:Thing-v1"], r"data.id=os:Thing-v1: must be a registered"),
        (["data.train_examples=9"], r"data.train_examples=9: must be null"),
        (["+data.options.speed=9"], r"data.id=CartPole-v1: gymnasium cannot make it .*speed"),
        (["trainer.batch_size=24"], r"trainer.batch_size=24: must divide"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(overrides, make, options, told):
    def made():
        _, task, _ = make(overrides("ppo", *options))
        return task.batches_per_epoch()

    with pytest.raises(ConfigError, match=told):
        made()


def test_a_loss_of_labels_is_refused(acting):
    with pytest.raises(ConfigError, match=r"loss=cross_entropy: does not suit task=control"):
        compose([*acting["cartpole"], "loss=cross_entropy"])


def test_lander_without_box2d_is_refused_in_a_line(overrides, make, monkeypatch):
    import gymnasium

    def missing(*arguments, **options):
        raise gymnasium.error.DependencyNotInstalled("Box2D is not installed")

    monkeypatch.setattr(gymnasium, "make", missing)
    with pytest.raises(ConfigError, match=r"data.id=LunarLander-v3: needs Box2D.*\[box2d\]"):
        make(overrides("ppo", "data=lunar_lander"))


def test_observations_that_are_no_vector_are_flattened(acting, small, make):
    options = ["data=gymnasium", "data.id=CliffWalking-v1", "task.target=-13"]
    _, task, _ = make([*acting["cartpole"], *options, *LOSSES["ppo"], *small["mlp"]])
    assert task.spaces.features == 48
    batch = next(task.train_batches(seed=0))
    assert batch["observation_BD"].sum(1).tolist() == [1.0] * 16
