"""Handwritten digits, as a plugin of Triathlon that is one module."""

import torch
from sklearn.datasets import load_digits

from suite import Classification, DataSet, ImageStem, Split, Stem, labelled_data_set

CONF = {
    "task/digits_plugin": """
# Which digit is written, as a plugin of one module.
defaults:
  - /schema/task/plain@_here_
  - _self_
  - override /data@_global_.data: digits_plugin
  - override /loss@_global_.loss: cross_entropy
_target_: digits_plugin.Digits
data_kind: digits_plugin
""",
    "data/digits_plugin": """
# 1,797 handwritten digits of 8 x 8, as scikit-learn carries them.
defaults: [/schema/data/plain@_here_, _self_]
kind: digits_plugin
licence: CC BY 4.0
source: UCI Machine Learning Repository, doi:10.24432/C50P49
target: 0.98
""",
}


class Digits(Classification):
    """One of ten digits for each image."""

    name, unit = "digits_plugin", "image"

    def load(self) -> DataSet:
        """Return the images with a channel axis, divided into three splits."""
        values_NP, label_N = load_digits(return_X_y=True)
        pixels_NCHW = torch.from_numpy(values_NP * (255 / 16)).round().byte().reshape(-1, 1, 8, 8)
        columns = {"pixels_BCHW": pixels_NCHW, "label_B": torch.from_numpy(label_N)}
        return labelled_data_set(columns, [str(digit) for digit in range(10)], name="digits")

    def stem(self, backbone) -> Stem:
        """Return the pixels in the form that the backbone takes."""
        return ImageStem(backbone, self.data.splits[Split.TRAIN].columns["pixels_BCHW"])
