"""What a run is held to. The CPU plays CUDA: refusing is torch's, a refusal can be raised."""

import pytest
import torch

from suite.training.determinism import hold, tolerated


@pytest.fixture
def on_cuda(bench, monkeypatch):
    """Return the run, as if on CUDA, where torch so far only warns."""
    run = bench().run
    monkeypatch.setattr("torch.cuda.synchronize", lambda device: None)
    run.precision.device = torch.device("cuda")
    torch.use_deterministic_algorithms(True, warn_only=True)
    return run


def _told(run):
    return hold(run.task, run.model, run.precision, seed=0)


class _Refused(torch.autograd.Function):
    """An operation whose backward pass torch refuses where it is told to."""

    reason = "ctc_loss_backward_gpu does not have a deterministic implementation, but you set …"

    @staticmethod
    def forward(ctx, values):
        return values.clone()

    @staticmethod
    def backward(ctx, gradient):
        if not torch.is_deterministic_algorithms_warn_only_enabled():
            raise RuntimeError(_Refused.reason)
        return gradient


def _refuse(run):
    plain = run.task.setup.loss
    object.__setattr__(
        run.task.setup, "loss", lambda output_B, batch: plain(_Refused.apply(output_B), batch)
    )


def test_torch_refuses_once_one_step_has_shown_that_it_can(on_cuda):
    before = {k: v.clone() for k, v in on_cuda.model.state_dict().items()}
    assert _told(on_cuda) == "on: every operation"
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.is_deterministic_algorithms_warn_only_enabled()
    assert all(torch.equal(on_cuda.model.state_dict()[k], v) for k, v in before.items())


def test_what_has_no_deterministic_kernel_is_named_and_let_pass(on_cuda):
    _refuse(on_cuda)
    assert _told(on_cuda) == "off: ctc_loss_backward_gpu has no deterministic kernel"
    assert torch.is_deterministic_algorithms_warn_only_enabled()
    assert all(p.grad is None for p in on_cuda.model.parameters())


def test_other_errors_are_not_taken_for_a_refusal(on_cuda, monkeypatch):
    monkeypatch.setattr(_Refused, "reason", "CUDA out of memory")
    _refuse(on_cuda)
    with pytest.raises(RuntimeError, match="out of memory"):
        _told(on_cuda)


def test_nothing_is_tried_where_it_is_off_or_on_the_cpu(on_cuda):
    on_cuda.task = None
    torch.use_deterministic_algorithms(False)
    assert _told(on_cuda) == "off: hardware.deterministic=false"
    torch.use_deterministic_algorithms(True)
    on_cuda.precision.device = torch.device("cpu")
    assert _told(on_cuda) == "on: every operation"


@pytest.mark.parametrize(("device", "warned"), [("cuda", True), ("cpu", False)])
def test_evaluation_may_do_on_cuda_what_training_may_not(device, warned):
    torch.use_deterministic_algorithms(True)
    with tolerated(torch.device(device)):
        assert torch.is_deterministic_algorithms_warn_only_enabled() is warned
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.is_deterministic_algorithms_warn_only_enabled()
