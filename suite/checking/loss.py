"""The training loss is one finite number, and its gradient reaches every part of the model."""

from torch import nn

from suite.checking.check import Broken, Check
from suite.checking.subject import Subject


def _look(subject: Subject) -> str:
    model = subject.new_model().train()
    loss = subject.task.loss(model, subject.first_batch())
    if loss.total.ndim or not bool(loss.total.isfinite()):
        raise Broken(
            f"loss: must be one number; it is {loss.total.detach().tolist()}",
            at="loss",
            mend="return suite.Loss(total, count) with the sum over examples",
        )
    if not isinstance(loss.count, int) or loss.count <= 0:
        raise Broken(
            f"loss: has a count of {loss.count!r}, must be an int above 0",
            at="loss",
            mend="count the examples (or labels) that the total sums over, on the host",
        )
    if loss.total.requires_grad:
        loss.total.backward()
    moved = sum(p.grad is not None and bool(p.grad.any()) for p in model.parameters())
    if not moved:
        raise Broken(
            "loss: gives no parameter of the model a gradient",
            at="loss",
            mend="leave the model's output attached: no .detach(), .item(), argmax or no_grad",
        )
    _reaches_every_part(model)
    return f"{float(loss.total.detach()) / loss.count:.4g} a piece; {moved} tensors learn"


def _reaches_every_part(model: nn.Module) -> None:
    for name, part in model.named_children():
        learned = [p for p in part.parameters() if p.requires_grad]
        if learned and all(p.grad is None for p in learned):
            raise Broken(
                f"loss: none of the {len(learned)} trained tensors of model.{name} gets a gradient",
                at="build_model",
                mend="something behind it detaches: .detach(), .data, argmax, no_grad",
            )


LOSS = Check(
    name="loss",
    looks_for="one finite number, with a gradient for every part of the model",
    look=_look,
    needs=("opens", "axes"),
)
