"""The shape of a run's configuration, and what is allowed in it.

Hydra composes `conf/` against these dataclasses, so an unknown key or a wrong type fails while
composing; `parse` turns the result into a `RunConfig`, and the checks of values and combinations
run then. Nothing here imports torch: a wrong command fails in the time Hydra takes.

Members of enums are lower case, because they are typed on the command line.
"""

from __future__ import annotations

import enum
import hashlib
import json
import types
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from suite.errors import ConfigError, nearest

if TYPE_CHECKING:
    from omegaconf import DictConfig


MISSING = "???"
"""What omegaconf takes for a value that the user has to give."""


@dataclass(kw_only=True)
class Node:
    """A part of the configuration. `group` is its place, for messages."""

    group: ClassVar[str] = ""

    def require(self, name: str, valid: bool, rule: str) -> None:
        """Raise a `ConfigError` that names the key, the value and the rule, unless `valid`."""
        if not valid:
            value = getattr(self, name)
            raise ConfigError(f"{self.group}.{name}={_shown(value)}: must be {rule}")

    def require_positive(self, *names: str) -> None:
        """Require each of these numbers, where it is given, to be above zero."""
        for name in names:
            value = getattr(self, name)
            self.require(name, value is None or value > 0, "above 0")

    def require_fraction(self, *names: str) -> None:
        """Require each of these numbers to be at least 0 and below 1."""
        for name in names:
            self.require(name, 0 <= getattr(self, name) < 1, "at least 0 and below 1")


def _shown(value: object) -> str:
    return "null" if value is None else str(value)


@dataclass(kw_only=True)
class TaskConfig(Node):
    """Options of a task; a plugin's own dataclass extends it.

    data_kind: what the task reads; it fits data sources of the same kind.
    losses: names of the losses that suit the task; empty allows all.
    hand_made: kinds of hand-made features that the task has; empty where it has none.
    """

    group: ClassVar[str] = "task"
    data_kind: ClassVar[str] = ""
    losses: ClassVar[tuple[str, ...]] = ()
    hand_made: ClassVar[tuple[str, ...]] = ()

    _target_: str = ""
    """Dotted path of the `Task` class."""


class ReferenceKind(enum.Enum):
    """What a reference is a result of."""

    published = "published"
    human = "human"
    baseline = "baseline"


@dataclass(kw_only=True)
class ReferenceConfig(Node):
    """A result of others on the same test split. Never an estimate: where none is known, none."""

    group: ClassVar[str] = "data.references"

    name: str = ""
    """Model or people."""
    metric: str = "accuracy"
    """Which metric of the task it is."""
    value: float = 0.0
    """As the source gives it, as a share."""
    kind: ReferenceKind = ReferenceKind.published
    """published, human, or a baseline from hand-made features."""
    uses: str = ""
    """What it used beyond the training split (pretraining, a language model), or what differs."""
    n: int | None = None
    """Runs, or people, behind the value, where the source tells."""
    source: str = ""
    """Where it is written: paper with its table, or page."""

    def __post_init__(self) -> None:
        self.require("source", bool(self.source), "given: a result that nobody wrote is none")


class OnError(enum.Enum):
    """What to do about a sample that cannot be read."""

    stop = "stop"
    skip = "skip"


@dataclass(kw_only=True)
class DataConfig(Node):
    """Options of a data source; a plugin's own dataclass extends it.

    A standard set has the options `path` (null is the cache) and `download`; what a source of the
    user's own files needs has the default "???"; `triathlon list` goes by that.

    kind: what it holds ("image", "text", "speech", …), matched with the task's `data_kind`.
    refuses_download: why a standard set cannot be downloaded; empty where it can.
    """

    group: ClassVar[str] = "data"
    kind: ClassVar[str] = ""
    refuses_download: ClassVar[str] = ""

    _target_: str = ""
    """Dotted path of the data source."""
    on_error: OnError = OnError.stop
    """A sample that cannot be read stops the run, or is skipped and named."""
    references: list[ReferenceConfig] = field(default_factory=list)
    """Results of others on this test split."""
    test_examples: int | None = None
    """Size of the test split that the references are results on; another size has none."""
    target: float | None = None
    """Validation value that time-to-target races to on this set; null is the task's default."""


KNOWLEDGE = ("references", "test_examples", "target")
"""Options of every data source that the task reads, not the source."""


# Backbones


@dataclass(kw_only=True)
class BackboneConfig(Node):
    """Options that every backbone has."""

    group: ClassVar[str] = "backbone"

    _target_: str = ""
    """Dotted path of the backbone class."""
    width: int = 128
    """Hidden features (for `resnet`: channels of the first stage)."""
    depth: int = 2
    """Hidden layers (for `resnet`: blocks in each stage)."""
    dropout: float = 0.0
    """Share of hidden features dropped in training."""

    def __post_init__(self) -> None:
        self.require_positive("width", "depth")
        self.require_fraction("dropout")


@dataclass(kw_only=True)
class MLPConfig(BackboneConfig):
    """Multilayer perceptron."""

    _target_: str = "suite.backbones.MLP"
    context: int = 1
    """Positions in the window of the first layer, where the input's length varies; odd."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("context", self.context > 0 and self.context % 2 == 1, "odd and above 0")


@dataclass(kw_only=True)
class ResNetConfig(BackboneConfig):
    """Residual network."""

    _target_: str = "suite.backbones.ResNet"
    stages: int = 3
    """Stages; each doubles the channels and halves the resolution."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("stages")


@dataclass(kw_only=True)
class ConvNetConfig(BackboneConfig):
    """Convolutional network of pooling stages."""

    _target_: str = "suite.backbones.ConvNet"
    wide: int = 64
    """Channels of all stages but the first."""
    stages: int = 3
    """Stages; each halves the resolution."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("wide", "stages")


@dataclass(kw_only=True)
class LSTMConfig(BackboneConfig):
    """Long short-term memory."""

    _target_: str = "suite.backbones.LSTM"
    bidirectional: bool = True
    """Half of the features read each way."""

    def __post_init__(self) -> None:
        super().__post_init__()
        even = not self.bidirectional or self.width % 2 == 0
        self.require("width", even, "even, as backbone.bidirectional=true gives half to each way")


@dataclass(kw_only=True)
class TransformerConfig(BackboneConfig):
    """Transformer encoder."""

    _target_: str = "suite.backbones.Transformer"
    heads: int = 4
    """Attention heads; each has width / heads features."""
    expansion: int = 4
    """Hidden width of the MLP, as a multiple of `width`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("heads", "expansion")
        fits = self.width % (2 * self.heads) == 0
        self.require("width", fits, f"a multiple of 2 * backbone.heads ({2 * self.heads})")


@dataclass(kw_only=True)
class ConformerConfig(TransformerConfig):
    """Conformer encoder."""

    _target_: str = "suite.backbones.Conformer"
    kernel: int = 15
    """Positions that a convolution sees; odd."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("kernel", self.kernel > 0 and self.kernel % 2 == 1, "odd and above 0")


def _open_dict() -> Any:
    """Return a dict that the command line may add keys to: those of another library."""
    from omegaconf import OmegaConf

    return OmegaConf.create({}, flags={"struct": False})


class Positions(enum.Enum):
    """Which positions of an encoder's output are kept."""

    all = "all"
    first = "first"


@dataclass(kw_only=True)
class LibraryConfig(Node):
    """Options of every backbone that another library defines."""

    group: ClassVar[str] = "backbone"

    _target_: str = ""
    """Dotted path of the backbone class."""
    trainable: str = "all"
    """What is trained: all, none (a linear probe: only the head learns), or a number of layers from
    the top. What is frozen stays in evaluation mode."""

    def __post_init__(self) -> None:
        named = self.trainable in ("all", "none")
        counted = self.trainable.isdecimal() and int(self.trainable) > 0
        self.require("trainable", named or counted, "all, none, or a number of layers above 0")


@dataclass(kw_only=True)
class TorchaudioConformerConfig(LibraryConfig, ConformerConfig):
    """torchaudio's Conformer encoder."""

    _target_: str = "suite.library.torchaudio.TorchaudioConformer"

    def __post_init__(self) -> None:
        LibraryConfig.__post_init__(self)
        ConformerConfig.__post_init__(self)


@dataclass(kw_only=True)
class TorchaudioWav2Vec2Config(LibraryConfig, BackboneConfig):
    """torchaudio's wav2vec 2.0 encoder."""

    _target_: str = "suite.library.torchaudio.TorchaudioWav2Vec2"
    heads: int = 4
    """Attention heads; each has width / heads features."""
    expansion: int = 4
    """Hidden width of the MLP, as a multiple of `width`."""
    convolution: int = 128
    """Channels of the convolutions over the wave."""
    sample_rate: int = 16000
    """Samples per second that the waves come at; 320 of them make a position."""

    def __post_init__(self) -> None:
        LibraryConfig.__post_init__(self)
        BackboneConfig.__post_init__(self)
        self.require_positive("heads", "expansion", "convolution", "sample_rate")
        self.require("width", self.width % self.heads == 0, "a multiple of backbone.heads")
        self.require("width", self.width % 16 == 0, "a multiple of 16, the groups of its positions")


@dataclass(kw_only=True)
class TorchvisionConfig(LibraryConfig):
    """A classifier of torchvision, without its last layer."""

    _target_: str = "suite.library.torchvision.Torchvision"
    model: str = MISSING
    """Its name there: resnet18, efficientnet_b0, vit_b_16, …"""
    weights: str | None = None
    """File of pretrained weights, .safetensors; null draws random ones."""
    size: int | None = None
    """Side in pixels that the input is resized to; null keeps its size where the model can take it
    (else takes the next that it can), and where its width varies stretches it to a square."""
    options: dict[str, Any] = field(default_factory=_open_dict)
    """Options of the model's builder: dropout, …"""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("size")


@dataclass(kw_only=True)
class TransformersConfig(LibraryConfig):
    """An encoder of the transformers library: pretrained (`model`) or new (`architecture`)."""

    _target_: str = "suite.library.transformers.Transformers"
    model: str | None = None
    """Folder with config.json, model.safetensors and what the model reads with (tokenizer.json,
    preprocessor_config.json); or a name on the Hugging Face hub that is in the local cache."""
    download: bool = False
    """Fetch from the hub what the local cache does not have."""
    architecture: str | None = "bert"
    """Kind of a model with random weights: bert, roberta, distilbert, …; null with `model`."""
    options: dict[str, Any] = field(default_factory=_open_dict)
    """Options of the library's configuration class: hidden_size, num_hidden_layers, …"""
    size: int | None = None
    """Side in pixels that images are resized to; null is what the model was trained on, or where it
    is new the grid's own, rounded up to whole patches."""
    positions: Positions = Positions.all
    """all leaves them to the head, which pools them or labels each; first keeps the first alone,
    which BERT and ViT call [CLS]."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("size")
        if (self.model is None) == (self.architecture is None):
            raise ConfigError(
                f"backbone.model={_shown(self.model)} backbone.architecture="
                f"{_shown(self.architecture)}: give one of them, a pretrained model or a kind"
            )


# Backbones that find no features of their own


class Kernel(enum.Enum):
    """What a support vector machine compares two examples by."""

    linear = "linear"
    rbf = "rbf"


@dataclass(kw_only=True)
class HandMadeConfig(Node):
    """A backbone fitted on hand-made features; loss, optimizer, schedule and trainer play no part.

    The options are those of the features; each kind reads its own. See `Task.hand_made`.
    """

    group: ClassVar[str] = "backbone"

    _target_: str = ""
    """Dotted path of what is fitted."""
    features: str = "auto"
    """Kind of features: pixels or hog of images, tfidf_words, tfidf_characters or tfidf (both) of
    texts, log_mel or mfcc of recordings; auto leaves the choice to the task."""
    cell: int | None = None
    """HOG: side of a cell in pixels; null is an eighth of the image's shorter side, from 2 on."""
    block: int = 2
    """HOG: side in cells of the blocks that contrast is normalised over."""
    orientations: int = 9
    """HOG: bins from 0 to 180 degrees."""
    words: int = 2
    """TF-IDF: longest n-gram of words."""
    characters: int = 4
    """TF-IDF: longest n-gram of characters within a word."""
    sublinear: bool = False
    """TF-IDF: 1 + log of a term's count instead of the count."""
    coefficients: int = 20
    """MFCC: cepstral coefficients; at most task.mels."""
    segments: int = 8
    """log_mel, mfcc: equal parts of a recording that each has its mean of."""

    def __post_init__(self) -> None:
        self.require_positive(
            "cell", "block", "orientations", "words", "characters", "coefficients", "segments"
        )

    @property
    def solver(self) -> str:
        """What minimises, in the optimizer's place in tables."""
        raise NotImplementedError

    @property
    def loss(self) -> str:
        """What it minimises, in the loss's place in tables."""
        raise NotImplementedError


@dataclass(kw_only=True)
class SVMConfig(HandMadeConfig):
    """Support vector machine, through scikit-learn."""

    _target_: str = "suite.shallow.SVM"
    kernel: Kernel = Kernel.linear
    """linear (one class against the rest, liblinear), or rbf (each pair of classes, libsvm)."""
    C: float | None = None
    """Weight of the training loss against the norm; null is the one of `grid` that validates
    best."""
    grid: list[float] | None = None
    """Values of C to try, upwards, until two in a row validate worse than the best; null is 0.01,
    0.03, 0.1, 0.3, 1, 3, 10 for a linear kernel, and 0.3, 1, 3, 10, 30, 100 for rbf."""
    gamma: float | None = None
    """rbf: inverse width of the kernel; null is 1 / (features * their variance)."""
    tolerance: float | None = None
    """Where the solver stops; null is the solver's own default, 0.1 (liblinear) or 0.001
    (libsvm)."""
    max_iterations: int = 1000
    """Passes of liblinear over the training split at most."""
    train_examples: int | None = None
    """Fit on so many training examples only, the same share of each class; null takes all."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("C", "gamma", "tolerance", "max_iterations", "train_examples")
        rising = self.grid is None or (
            bool(self.grid) and self.grid[0] > 0 and self.grid == sorted(set(self.grid))
        )
        self.require("grid", rising, "numbers above 0, each larger than the one before")

    @property
    def solver(self) -> str:
        return "liblinear" if self.kernel is Kernel.linear else "libsvm"

    @property
    def loss(self) -> str:
        return "squared_hinge" if self.kernel is Kernel.linear else "hinge"

    def values_of_C(self) -> list[float]:
        """Return the values to try, upwards."""
        if self.C is not None:
            return [self.C]
        linear = self.kernel is Kernel.linear
        return self.grid or (
            [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0] if linear else [0.3, 1.0, 3.0, 10.0, 30.0, 100.0]
        )


# Losses


@dataclass(kw_only=True)
class LossConfig(Node):
    """A loss without options."""

    group: ClassVar[str] = "loss"

    _target_: str = ""
    """Dotted path of the loss class."""


@dataclass(kw_only=True)
class CrossEntropyConfig(LossConfig):
    """Cross-entropy."""

    _target_: str = "suite.training.losses.CrossEntropy"
    smoothing: float = 0.0
    """Share of the target spread evenly over all classes."""

    def __post_init__(self) -> None:
        self.require_fraction("smoothing")


@dataclass(kw_only=True)
class MSEConfig(LossConfig):
    """Mean squared error on one-hot targets."""

    _target_: str = "suite.training.losses.MeanSquaredError"


@dataclass(kw_only=True)
class CTCConfig(LossConfig):
    """Connectionist temporal classification."""

    _target_: str = "suite.training.losses.CTC"


# Optimizers and schedules


@dataclass(kw_only=True)
class OptimizerConfig(Node):
    """Options that every optimizer has."""

    group: ClassVar[str] = "optimizer"

    _target_: str = ""
    """Dotted path of the function that builds it."""
    lr: float = 1e-3
    """Learning rate at the schedule's peak."""
    weight_decay: float = 0.0
    """Weight decay of matrices and kernels; biases and normalisations have none."""
    layer_decay: float = 1.0
    """Learning rate of a layer as a share of that of the layer above it, from the head, which has
    `lr`, down to the input (Clark et al. 2020, Bao et al. 2022); 1 is the same for all."""

    def __post_init__(self) -> None:
        self.require_positive("lr")
        self.require("layer_decay", 0 < self.layer_decay <= 1, "above 0, at most 1")
        self.require("weight_decay", self.weight_decay >= 0, "0 or above")


@dataclass(kw_only=True)
class SGDConfig(OptimizerConfig):
    """Stochastic gradient descent."""

    _target_: str = "suite.training.optimizers.sgd"
    lr: float = 0.1
    momentum: float = 0.9
    """Share of the last update kept."""
    nesterov: bool = True
    """Look ahead along the momentum."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_fraction("momentum")
        sound = not self.nesterov or self.momentum > 0
        self.require("nesterov", sound, "false where optimizer.momentum=0")


@dataclass(kw_only=True)
class AdamConfig(OptimizerConfig):
    """Adam; its weight decay is an L2 penalty."""

    _target_: str = "suite.training.optimizers.adam"
    beta1: float = 0.9
    """Decay of the mean of gradients."""
    beta2: float = 0.999
    """Decay of the mean of squared gradients."""
    eps: float = 1e-8
    """Added to the root of the second mean."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_fraction("beta1", "beta2")
        self.require_positive("eps")


@dataclass(kw_only=True)
class AdamWConfig(AdamConfig):
    """Adam with decoupled weight decay."""

    _target_: str = "suite.training.optimizers.adamw"
    weight_decay: float = 0.01


@dataclass(kw_only=True)
class MuonConfig(OptimizerConfig):
    """Muon for hidden matrices, AdamW for the rest."""

    _target_: str = "suite.training.optimizers.muon"
    lr: float = 0.02
    weight_decay: float = 0.01
    momentum: float = 0.95
    """Share of the last update kept."""
    adamw_lr: float = 1e-3
    """Learning rate of AdamW for stem, head, biases and normalisations."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_fraction("momentum")
        self.require_positive("adamw_lr")


@dataclass(kw_only=True)
class ScheduleConfig(Node):
    """Options that every schedule has. All lengths are shares of the run."""

    group: ClassVar[str] = "schedule"

    _target_: str = ""
    """Dotted path of the schedule."""
    warmup: float = 0.0
    """Share of the run in which the learning rate rises."""
    final: float = 0.0
    """Learning rate at the end, as a share of the peak."""

    def __post_init__(self) -> None:
        self.require_fraction("warmup")
        self.require("final", 0 <= self.final <= 1, "between 0 and 1")


@dataclass(kw_only=True)
class ConstantConfig(ScheduleConfig):
    """The same learning rate after the warm-up; `final` has no part in it."""

    _target_: str = "suite.training.schedules.Constant"
    final: float = 1.0


@dataclass(kw_only=True)
class CosineConfig(ScheduleConfig):
    """Linear warm-up, then half a cosine."""

    _target_: str = "suite.training.schedules.Cosine"
    warmup: float = 0.05


@dataclass(kw_only=True)
class OneCycleConfig(ScheduleConfig):
    """Half a cosine up, half a cosine down."""

    _target_: str = "suite.training.schedules.OneCycle"
    warmup: float = 0.3


@dataclass(kw_only=True)
class TrapezoidConfig(ScheduleConfig):
    """Linear warm-up, constant, linear decay."""

    _target_: str = "suite.training.schedules.Trapezoid"
    warmup: float = 0.1
    decay: float = 0.3
    """Share of the run in which the learning rate falls."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_fraction("decay")
        self.require("decay", self.decay + self.warmup <= 1, "at most 1 - schedule.warmup")


# Trainer, precision, hardware, tracking


@dataclass(kw_only=True)
class ConvergenceConfig(Node):
    """A run has converged when `patience` evaluations in a row bring no gain."""

    group: ClassVar[str] = "trainer.convergence"

    enabled: bool = False
    """Stop at convergence."""
    patience: int = 5
    """Evaluations without a gain that make convergence."""
    minimum_gain: float = 0.001
    """A gain is an improvement of the primary metric by more than this."""

    def __post_init__(self) -> None:
        self.require_positive("patience")
        self.require("minimum_gain", self.minimum_gain >= 0, "0 or above")


@dataclass(kw_only=True)
class TrainerConfig(Node):
    """How long and how to train."""

    group: ClassVar[str] = "trainer"

    epochs: float | None = 10.0
    """Length in passes over the training split; null where `steps` is given."""
    steps: int | None = None
    """Length in optimizer steps; wins over `epochs`."""
    max_seconds: float | None = None
    """Stop when the training clock has run for so long."""
    batch_size: int = 64
    """Examples of one forward pass."""
    eval_batch_size: int = 256
    """Examples of one forward pass in evaluation."""
    accumulate: int = 1
    """Forward passes to one optimizer step."""
    clip_norm: float | None = 1.0
    """Largest norm of the whole gradient; null does not clip."""
    ema_decay: float | None = None
    """Decay of the moving average of weights that is evaluated and kept; null has none."""
    evaluate_every: float = 1.0
    """Epochs (steps, where the task has no epochs) from one validation to the next."""
    log_every: int = 10
    """Steps from one line of training metrics to the next."""
    stop_at_target: bool = False
    """Stop when validation reaches the task's target."""
    convergence: ConvergenceConfig = field(default_factory=ConvergenceConfig)

    def __post_init__(self) -> None:
        self.require_positive(
            "epochs", "steps", "max_seconds", "batch_size", "eval_batch_size", "accumulate",
            "clip_norm", "evaluate_every", "log_every",
        )  # fmt: skip
        decay = self.ema_decay
        self.require("ema_decay", decay is None or 0 < decay < 1, "between 0 and 1, or null")
        if self.epochs is None and self.steps is None:
            raise ConfigError("trainer.epochs=null trainer.steps=null: give one of them")


class Number(enum.Enum):
    """Number formats of the forward and backward pass."""

    fp32 = "fp32"
    bf16 = "bf16"
    fp16 = "fp16"


@dataclass(kw_only=True)
class PrecisionConfig(Node):
    """The number format that matrix products and convolutions run in; weights stay in fp32."""

    group: ClassVar[str] = "precision"

    number: Number = Number.fp32
    """fp32, or autocast to bf16 or fp16 (with loss scaling) where the device has it."""
    tf32: bool = False
    """Let CUDA round fp32 products to TF32."""


class Device(enum.Enum):
    """Where to train."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


@dataclass(kw_only=True)
class HardwareConfig(Node):
    """The machine's part in a run."""

    group: ClassVar[str] = "hardware"

    device: Device = Device.auto
    """auto takes CUDA where there is one."""
    threads: int | None = None
    """Threads of one operation on the CPU; null leaves the choice to torch. Two thread counts give
    two different losses in the last bits, so records name it."""
    workers: int | None = None
    """Processes that read data which does not fit in memory, 0 reads in the run's own; null is all
    cores but one, at most 8. Batches are the same for any number."""
    deterministic: bool = True
    """Same seed, same losses to the last bit; false may be faster on CUDA."""
    compile: bool = False
    """Compile the model with torch.compile."""

    def __post_init__(self) -> None:
        self.require_positive("threads")
        self.require("workers", self.workers is None or self.workers >= 0, "0 or above, or null")


@dataclass(kw_only=True)
class TrackingConfig(Node):
    """Where a run's numbers go beside its journal."""

    group: ClassVar[str] = "tracking"

    enabled: bool = True
    """Send the journal to MLflow."""
    uri: str | None = None
    """MLflow tracking URI; null is sqlite in the results folder."""
    experiment: str | None = None
    """MLflow experiment; null is the task's name, or in a sweep the sweep's."""
    log_model: bool = True
    """Keep the best model with the run, in a format that loads without unpickling."""
    figures: bool = True
    """Keep curves and the task's pictures with the run."""


@dataclass(kw_only=True)
class RunConfig(Node):
    """One run."""

    seed: int = 0
    """Seeds weights, order, augmentation and dropout."""
    name: str | None = None
    """Name of the run; null is task, data, backbone, optimizer and seed."""
    results: str = "results"
    """Folder for records, journals, checkpoints and the default MLflow database."""
    cache: str | None = None
    """Folder for generated data; null is $TRIATHLON_CACHE, else ~/.cache/triathlon."""
    task: Any = None
    data: Any = None
    backbone: Any = None
    loss: Any = None
    optimizer: Any = None
    schedule: Any = None
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    precision: PrecisionConfig = field(default_factory=PrecisionConfig)
    hardware: HardwareConfig = field(default_factory=HardwareConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    choices: dict[str, str | None] = field(default_factory=dict)
    """Which file of each group was composed; filled by the suite."""

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ConfigError(f"seed={self.seed}: must be 0 or above")

    def hash(self, *, seed: bool = True) -> str:
        """Return 12 hex digits that change with anything that can change the result.

        Where results and tracking go is left out, how data gets here, and what is known of others'
        results; so is what plays no part where features are hand-made, and the seed unless `seed`,
        so that repeats share a hash.
        """
        config = self.plain()
        for key in ("name", "results", "cache", "tracking", *(() if seed else ("seed",))):
            config.pop(key)
        config["hardware"].pop("workers")
        for key in (*KNOWLEDGE, "download"):
            (config["data"] or {}).pop(key, None)
        if isinstance(self.backbone, HandMadeConfig):
            for key in ("trainer", "precision"):
                config.pop(key)
                config["choices"].pop(key, None)
        return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:12]

    def plain(self) -> dict[str, Any]:
        """Return the configuration as dicts, lists, numbers and strings."""
        plain: dict[str, Any] = _plain({f.name: getattr(self, f.name) for f in fields(self)})
        return plain


SCHEMAS: dict[str, type[Node]] = {
    "run": RunConfig,
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


LEARNING = ("loss", "optimizer", "schedule")
"""Groups that a model on hand-made features has no use for."""


def parse(config: DictConfig) -> RunConfig:
    """Turn a composed configuration into a `RunConfig`, or raise a `ConfigError`."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    missing = sorted(OmegaConf.missing_keys(config))
    if missing:
        raise ConfigError(f"{missing[0]}: has no value; give {missing[0]}=…")
    _refuse_unknown(config)
    try:
        run: RunConfig = OmegaConf.to_object(config)  # type: ignore[assignment]
    except OmegaConfBaseException as error:
        raise ConfigError(one_line(str(error))) from error
    shallow = isinstance(run.backbone, HandMadeConfig)
    for group in ("task", "backbone", *(() if shallow else LEARNING)):
        if getattr(run, group) is None:
            raise ConfigError(f"{group}=null: choose one; `triathlon list` shows them")
    if isinstance(run.task, dict):
        run.task = types.SimpleNamespace(**run.task)
    if isinstance(run.data, dict):
        references = [_reference(one) for one in run.data.pop("references", ())]
        run.data = types.SimpleNamespace(**run.data, references=references)
    if shallow:
        # What composing brings in regardless would read as if it had been used.
        for group in LEARNING:
            setattr(run, group, None)
            run.choices[group] = None
    _check_combination(run)
    return run


def _reference(plain: dict[str, Any]) -> ReferenceConfig:
    """Check a reference in the YAML of a data source that has no schema."""
    from omegaconf import OmegaConf

    return OmegaConf.to_object(OmegaConf.merge(ReferenceConfig, plain))  # type: ignore[return-value]


def _refuse_unknown(node: DictConfig, place: str = "") -> None:
    """Refuse keys that no schema has: `+key=value` adds them, and nothing would read them."""
    from omegaconf import DictConfig, OmegaConf

    schema = OmegaConf.get_type(node)
    known = [f.name for f in fields(schema)] if is_dataclass(schema) else None
    for key in map(str, node):
        if known is not None and key not in known:
            raise ConfigError(f"{place}{key}: no such key{nearest(key, known)}")
        child = node._get_node(key)
        if isinstance(child, DictConfig) and not child._is_none() and not child._is_missing():
            _refuse_unknown(child, f"{place}{key}.")


def _check_combination(run: RunConfig) -> None:
    task = run.choices.get("task") or "task"
    wanted, held = getattr(run.task, "data_kind", ""), getattr(run.data, "kind", "")
    if wanted and wanted != held:
        raise ConfigError(
            f"data={run.choices.get('data')}: holds {held or 'nothing'}, but task={task} takes "
            f"{wanted}; `triathlon list` shows the data sets of each task"
        )
    if isinstance(run.backbone, HandMadeConfig):
        _check_features(run, run.backbone, task)
        return
    losses = getattr(run.task, "losses", ())
    loss = run.choices.get("loss")
    if losses and loss not in losses:
        raise ConfigError(f"loss={loss}: does not suit task={task}; use loss={'|'.join(losses)}")


def _check_features(run: RunConfig, backbone: HandMadeConfig, task: str) -> None:
    kinds = getattr(run.task, "hand_made", ())
    if not kinds:
        raise ConfigError(
            f"backbone={run.choices.get('backbone')}: is fitted on hand-made features, and "
            f"task={task} has none; choose another backbone or task"
        )
    if backbone.features not in ("auto", *kinds):
        raise ConfigError(
            f"backbone.features={backbone.features}: task={task} has "
            f"{', '.join(('auto', *kinds))}{nearest(backbone.features, kinds)}"
        )


def one_line(text: str) -> str:
    """Join a message of several lines, without what omegaconf adds about its internals."""
    lines = [line.strip() for line in text.splitlines()]
    return "; ".join(line for line in lines if line and not line.startswith("object_type="))


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, types.SimpleNamespace):
        return _plain(vars(value))
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value
