"""Which techniques of speed are in force in a run, and why: what its record's `techniques` holds.

Each is "on" or "off" with the reason behind a colon. Their switches are in `hardware`, and
`benchmarks/techniques.py` measures what each gains.
"""

from torch import nn

from suite.backbones.grid import plain_because
from suite.classification import DataSetTask
from suite.config import HardwareConfig
from suite.data.streaming import StreamedExamples
from suite.task import Split, Task
from suite.training.optimizers import Optimizers


def of_data(task: Task) -> dict[str, str]:
    """Tell how a task's training data is served; nothing is known of tasks that make their own."""
    if not isinstance(task, DataSetTask):
        return {}
    train = task.data.splits[Split.TRAIN]
    buckets = "on: batches hold examples of similar length"
    if train.length_N is None:
        buckets = "off: all examples are as long"
    elif not task.setup.buckets:
        buckets = "off: hardware.buckets=false"
    memory = "on: batches are cut from tensors"
    if isinstance(train, StreamedExamples):
        memory = f"off: streamed, hardware.workers={train.workers}"
    return {"buckets": buckets, "in_memory": memory}


def of_layout(config: HardwareConfig, model: nn.Module) -> dict[str, str]:
    """Tell how convolutions are laid out."""
    plain = plain_because(model) if config.channels_last else "hardware.channels_last=false"
    return {"channels_last": f"off: {plain}" if plain else "on: convolutions"}


def of_optimizers(optimizers: Optimizers) -> dict[str, str]:
    """Tell which optimizers update all weights in one kernel."""
    fused: list[str] = []
    plain: list[str] = []
    for member in optimizers.members:
        whole = all(group.get("fused") for group in member.param_groups)
        (fused if whole else plain).append(type(member).__name__)
    found = [f"on: {', '.join(fused)}"] if fused else []
    found += [f"off: {', '.join(plain)}"] if plain else []
    return {"fused": "; ".join(found)}
