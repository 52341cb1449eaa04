"""The shape of a run's configuration, and what is allowed in it.

Hydra composes `conf/` against these dataclasses, so an unknown key or a wrong type fails while
composing; `parse` turns the result into a `RunConfig`, and the checks of values and combinations
run then. Nothing here imports torch: a wrong command fails in the time Hydra takes.

Members of enums are lower case, because they are typed on the command line.
"""

from suite.config.backbone import (
    BackboneConfig,
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
    LossConfig,
    MSEConfig,
    MuonConfig,
    OneCycleConfig,
    OptimizerConfig,
    ScheduleConfig,
    SGDConfig,
    TrapezoidConfig,
)
from suite.config.library import (
    LibraryConfig,
    Positions,
    TorchaudioConformerConfig,
    TorchaudioWav2Vec2Config,
    TorchvisionConfig,
    TransformersConfig,
)
from suite.config.machine import (
    AUTO,
    Device,
    HardwareConfig,
    Number,
    Parallel,
    PrecisionConfig,
)
from suite.config.parsing import parse
from suite.config.plugin import (
    KNOWLEDGE,
    PORTIONS,
    DataConfig,
    OnError,
    ReferenceConfig,
    ReferenceKind,
    TaskConfig,
)
from suite.config.run import OnChange, RunConfig, SweepConfig, TrackingConfig
from suite.config.schemas import SCHEMAS
from suite.config.shallow import HandMadeConfig, Kernel, SVMConfig
from suite.config.trainer import (
    CheckpointConfig,
    ConvergenceConfig,
    DataStall,
    OnNonfinite,
    TrainerConfig,
)
from suite.config.width import at_base_width

__all__ = [
    "AUTO",
    "KNOWLEDGE",
    "PORTIONS",
    "SCHEMAS",
    "AdamConfig",
    "AdamWConfig",
    "BackboneConfig",
    "CTCConfig",
    "CheckpointConfig",
    "ConformerConfig",
    "ConstantConfig",
    "ConvNetConfig",
    "ConvergenceConfig",
    "CosineConfig",
    "CrossEntropyConfig",
    "DataConfig",
    "DataStall",
    "Device",
    "HandMadeConfig",
    "HardwareConfig",
    "Kernel",
    "LSTMConfig",
    "LibraryConfig",
    "LossConfig",
    "MLPConfig",
    "MSEConfig",
    "MuonConfig",
    "Number",
    "OnChange",
    "OnError",
    "OnNonfinite",
    "OneCycleConfig",
    "OptimizerConfig",
    "Parallel",
    "Positions",
    "PrecisionConfig",
    "ReferenceConfig",
    "ReferenceKind",
    "ResNetConfig",
    "RunConfig",
    "SGDConfig",
    "SVMConfig",
    "ScheduleConfig",
    "SweepConfig",
    "TaskConfig",
    "TorchaudioConformerConfig",
    "TorchaudioWav2Vec2Config",
    "TorchvisionConfig",
    "TrackingConfig",
    "TrainerConfig",
    "TransformerConfig",
    "TransformersConfig",
    "TrapezoidConfig",
    "at_base_width",
    "parse",
]
