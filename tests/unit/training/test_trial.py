import pytest
import torch

from suite.compose import compose
from suite.run import build_model
from suite.training.precision import Precision
from suite.training.trial import Trial

CPU = torch.device("cpu")


@pytest.mark.parametrize("fails", [False, True])
def test_trial_leaves_no_trace(open_task, embedded, small, monkeypatch, fails):
    config = compose([*embedded["digits"], *small["resnet"]])
    task = open_task("digits")
    model = build_model(config, task, CPU)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    trial = Trial(task, model, Precision(config.precision, CPU), next(task.train_batches(seed=0)))
    if fails:
        backward = torch.Tensor.backward

        def failing(loss):
            backward(loss)
            raise RuntimeError("refused")

        monkeypatch.setattr(torch.Tensor, "backward", failing)
        with pytest.raises(RuntimeError, match="refused"):
            trial.run(model)
    else:
        trial.run(model)
    after = model.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert all(p.grad is None for p in model.parameters())
