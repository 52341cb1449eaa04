"""Try every classifier of torchvision as a backbone: forward and backward of a small grid.

`python benchmarks/every_torchvision_classifier.py [name …]`; all of them take some minutes and, for
the largest, 8 GB of memory. Prints a line for each and exits with 1 where one does not work.
"""

import gc
import sys
import time

import torch
import torchvision
from torchvision.models import list_models

from suite.features import Grid, GridSpec
from suite.library.torchvision import Torchvision

SPEC = GridSpec(channels=2, height=8, width=8)


def attempt(name: str) -> str:
    """Return what the backbone looks like; raise where it does not work."""
    torch.manual_seed(0)
    backbone = Torchvision(SPEC, model=name, weights=None, size=None, options={}, trainable="all")
    values = backbone.train()(Grid(torch.randn(2, 2, 8, 8))).values_BTD
    values.square().sum().backward()
    if values.shape != (2, 1, backbone.features):
        raise RuntimeError(f"returns {tuple(values.shape)}")
    without = [n for n, p in backbone.named_parameters() if p.grad is None]
    if without:
        raise RuntimeError(f"no gradient reaches {without[0]}")
    parameters = sum(p.numel() for p in backbone.parameters())
    height, width = backbone.fitting.size
    return (
        f"{height} x {width}, {backbone.features} features, "
        f"{len(backbone.hidden_layers())} layers, {parameters:,} parameters"
    )


def main(names: list[str]) -> int:
    """Try these, or all."""
    torch.set_num_threads(1)
    failed = 0
    for name in names or list_models(module=torchvision.models):
        began = time.process_time()
        try:
            told = attempt(name)
        except Exception as error:  # whatever a model raises is what we want to see
            failed += 1
            told = f"FAILED {type(error).__name__}: {str(error).splitlines()[0]}"
        print(f"{name:20} {told}, {time.process_time() - began:.1f} s", flush=True)
        gc.collect()
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
