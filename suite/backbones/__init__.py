"""The architectures, one to a file, each defined once for pixels, characters and sound."""

from suite.backbones.conformer import Conformer
from suite.backbones.convnet import ConvNet
from suite.backbones.lstm import LSTM
from suite.backbones.mlp import MLP
from suite.backbones.resnet import ResNet
from suite.backbones.transformer import Transformer

__all__ = ["LSTM", "MLP", "Conformer", "ConvNet", "ResNet", "Transformer"]
