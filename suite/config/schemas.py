"""The schemas that `conf/` refers to."""

from __future__ import annotations

from suite.config.backbone import (
    ConformerConfig,
    ConvNetConfig,
    LSTMConfig,
    MLPConfig,
    ResNetConfig,
    TransformerConfig,
)
from suite.config.learning import (
    AdamConfig,
    AdamWConfig,
    ConstantConfig,
    CosineConfig,
    CrossEntropyConfig,
    CTCConfig,
    MSEConfig,
    MuonConfig,
    OneCycleConfig,
    SGDConfig,
    TrapezoidConfig,
)
from suite.config.library import (
    TorchaudioConformerConfig,
    TorchaudioWav2Vec2Config,
    TorchvisionConfig,
    TransformersConfig,
)
from suite.config.node import Node
from suite.config.plain import PlainDataConfig, PlainTaskConfig
from suite.config.run import RunConfig
from suite.config.shallow import SVMConfig

SCHEMAS: dict[str, type[Node]] = {
    "run": RunConfig,
    "task/plain": PlainTaskConfig,
    "data/plain": PlainDataConfig,
    "backbone/mlp": MLPConfig,
    "backbone/resnet": ResNetConfig,
    "backbone/convnet": ConvNetConfig,
    "backbone/lstm": LSTMConfig,
    "backbone/transformer": TransformerConfig,
    "backbone/svm": SVMConfig,
    "backbone/conformer": ConformerConfig,
    "backbone/torchaudio_conformer": TorchaudioConformerConfig,
    "backbone/torchaudio_wav2vec2": TorchaudioWav2Vec2Config,
    "backbone/torchvision": TorchvisionConfig,
    "backbone/transformers": TransformersConfig,
    "loss/cross_entropy": CrossEntropyConfig,
    "loss/mse": MSEConfig,
    "loss/ctc": CTCConfig,
    "optimizer/sgd": SGDConfig,
    "optimizer/adam": AdamConfig,
    "optimizer/adamw": AdamWConfig,
    "optimizer/muon": MuonConfig,
    "schedule/constant": ConstantConfig,
    "schedule/cosine": CosineConfig,
    "schedule/one_cycle": OneCycleConfig,
    "schedule/trapezoid": TrapezoidConfig,
}
"""The suite's own schemas, by the name that `conf/` refers to as `/schema/<name>`."""
