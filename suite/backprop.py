"""Holds the backward pass of every backbone with every loss against finite differences.

Backbones are tiny; beside the suite's own there is one of each library. Inputs are random and of
different lengths, so that padding has its part. Vectors are random: at those that a network begins
with, zeros hide what lies before them, and put kinks where it stands.

Legend: B batch, T positions, D features, C channels, H height, W width, K classes, L symbols.
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from suite.backbones import LSTM, MLP, Conformer, ConvNet, ResNet, Transformer
from suite.features import (
    Backbone,
    DeepModel,
    Form,
    FrameHead,
    Grid,
    GridSpec,
    PooledHead,
    Sequence,
    SequenceSpec,
    Stem,
    length_mask,
)
from suite.insight.gradients import LossOfModel, largest_error
from suite.task import Batch, LossFunction
from suite.training.losses import CTC, CrossEntropy, MeanSquaredError

_B, _T, _C, _H, _K = 3, 8, 2, 3, 4
_SIDE = 32
"""The least that torchvision's model takes."""
_SEQUENCE, _GRID = SequenceSpec(features=_C * _H), GridSpec(channels=_C, height=_H)


def _torchvision() -> Backbone:
    from suite.library.torchvision import Torchvision

    return Torchvision(
        GridSpec(channels=_C, height=_SIDE, width=_SIDE),
        model="squeezenet1_1",
        weights=None,
        size=None,
        options={},
        trainable="all",
    )


def _torchaudio() -> Backbone:
    from suite.library.torchaudio import TorchaudioConformer

    return TorchaudioConformer(
        _SEQUENCE, width=8, depth=1, heads=2, kernel=3, expansion=2, dropout=0.1, trainable="all"
    )


def _transformers() -> Backbone:
    from suite.config import TransformersConfig
    from suite.library.transformers import Transformers

    options = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
               "intermediate_size": 16, "max_position_embeddings": 32, "vocab_size": 2}  # fmt: skip
    node = TransformersConfig(architecture="bert", options=options)
    plain = {name: value for name, value in vars(node).items() if name != "_target_"}
    return Transformers(_SEQUENCE, **plain)


OWN: dict[str, Callable[[], Backbone]] = {
    "mlp": lambda: MLP(_SEQUENCE, width=8, depth=2, context=3, dropout=0.1),
    "resnet": lambda: ResNet(_GRID, width=4, depth=1, stages=2, dropout=0.1),
    "convnet": lambda: ConvNet(_GRID, width=4, wide=6, depth=2, stages=1, dropout=0.1),
    "lstm": lambda: LSTM(_SEQUENCE, width=8, depth=2, bidirectional=True, dropout=0.1),
    "transformer": lambda: Transformer(
        _SEQUENCE, width=8, depth=2, heads=2, expansion=2, dropout=0.1
    ),
    "conformer": lambda: Conformer(
        _SEQUENCE, width=8, depth=1, heads=2, kernel=3, expansion=2, dropout=0.1
    ),
}
LIBRARY: dict[str, Callable[[], Backbone]] = {
    "torchvision": _torchvision,
    "torchaudio_conformer": _torchaudio,
    "transformers": _transformers,
}
"""Of these torchvision's returns one vector for an example, which CTC cannot read."""
LOSSES: dict[str, LossFunction] = {
    "cross_entropy": CrossEntropy(smoothing=0.1),
    "mse": MeanSquaredError(),
    "ctc": CTC(),
}


def backward_errors(
    backbones: Iterable[str] = (*OWN, *LIBRARY),
    losses: Iterable[str] = tuple(LOSSES),
    *,
    seed: int = 0,
) -> dict[tuple[str, str], float]:
    """Return the largest relative error over the layers, by backbone and loss."""
    chosen = tuple(losses)
    errors = {}
    for backbone in backbones:
        for loss in chosen:
            if (backbone, loss) != ("torchvision", "ctc"):
                errors[backbone, loss] = largest_error(*tiny(backbone, loss, seed=seed))
    return errors


def tiny(backbone: str, loss: str, *, seed: int = 0) -> tuple[nn.Module, LossOfModel]:
    """Return a model in float64 with random weights, and its loss on a random batch."""
    torch.manual_seed(seed)
    made = (OWN | LIBRARY)[backbone]()
    head = FrameHead(made.features, _K) if loss == "ctc" else PooledHead(made.features, _K)
    grid = backbone == "torchvision" or getattr(made, "takes", None) is Form.GRID
    model = DeepModel(_Given(grid=grid), made, head).double().train()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.3 * torch.randn_like(parameter))
    batch = _batch(_SIDE, _SIDE) if backbone == "torchvision" else _batch(_H, _T)
    measure = LOSSES[loss]

    def mean_loss(model: nn.Module) -> Tensor:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)  # the same dropout every time
            found = measure(model(batch), batch)
        return found.total / found.count

    return model, mean_loss


class _Given(Stem):
    """Hands on what the batch holds, in the form that the backbone takes."""

    def __init__(self, *, grid: bool) -> None:
        super().__init__()
        self.grid = grid

    def forward(self, batch: Batch) -> Sequence | Grid:
        values_BCHT, mask_BT = batch["values_BCHT"], batch["mask_BT"]
        if self.grid:
            return Grid(values_BCHT, mask_BT)
        return Sequence(values_BCHT.flatten(1, 2).transpose(1, 2), mask_BT)


def _batch(height: int, positions: int) -> Batch:
    length_B = torch.tensor([positions, positions - 1, positions - 2])
    tensors = {
        "values_BCHT": torch.randn(_B, _C, height, positions, dtype=torch.float64),
        "mask_BT": length_mask(length_B, positions),
        "label_B": torch.tensor([0, 3, 1]),
        "symbols_BL": torch.tensor([[1, 2], [3, 0], [2, 1]]),
        "symbol_length_B": torch.tensor([2, 1, 2]),
    }
    return Batch(tensors, _B, float(length_B.sum()))
