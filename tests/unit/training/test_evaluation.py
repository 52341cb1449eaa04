import pytest
import torch

from suite import Split
from suite.config import PrecisionConfig
from suite.training.evaluation import calibrate, evaluate
from suite.training.precision import Precision


def test_loss_is_the_mean_over_all_examples_of_ragged_batches(bench):
    run = bench().run
    (whole,) = run.task.eval_batches(Split.TEST)
    parts = [
        type(whole)({k: v[part] for k, v in whole.items()}, stop, stop)
        for part, stop in ((slice(0, 60), 60), (slice(60, 64), 4))
    ]
    run.task.eval_batches = lambda split: iter(parts)
    values, metrics = evaluate(
        run.task, run.model, Split.TEST, Precision(PrecisionConfig(), torch.device("cpu"))
    )
    run.model.eval()
    error_B = run.model(whole).detach() - whole["value_B"]
    assert values == {
        "loss": pytest.approx(float(error_B.square().mean()), rel=1e-5),
        "error": pytest.approx(float(error_B.abs().mean()), rel=1e-5),
    }
    assert float(metrics["error"].total) == 64


def test_no_gradient_is_kept_and_training_goes_on(bench):
    run = bench().run
    evaluate(run.task, run.model, Split.VALIDATION, run.precision)
    assert run.model.training
    assert all(p.grad is None for p in run.model.parameters())
    run.task.loss(run.model, next(run.task.train_batches(seed=0))).total.backward()


def test_metrics_that_are_no_number_are_left_out(bench):
    from torchmetrics import MetricCollection
    from torchmetrics.regression import MeanSquaredError

    run = bench().run
    run.task.metrics = lambda: MetricCollection({"each": MeanSquaredError(num_outputs=2)})
    run.task.evaluate = lambda model, batch, metrics: (
        metrics.update(torch.ones(3, 2), torch.zeros(3, 2)) or run.task.loss(model, batch)
    )
    values, _ = evaluate(run.task, run.model, Split.TEST, run.precision)
    assert set(values) == {"loss"}


def test_a_task_chooses_with_the_model_as_it_is_in_the_test(bench):
    run = bench().run

    def choose(model):
        (batch,) = run.task.eval_batches(Split.VALIDATION)
        assert not model.training
        assert not model(batch).requires_grad
        return {"threshold": 0.5}

    run.task.calibrate = choose
    assert calibrate(run.task, run.model, run.precision) == {"threshold": 0.5}
    assert run.model.training
