"""`triathlon model task=… backbone=…`: the layers of a model, from input to output.

Legend: B batch.
"""

import argparse
from pathlib import Path

_NO_LAYERS = ("Dropout", "Dropout2d", "Identity")
"""Modules that compute nothing in evaluation."""


def main(arguments: list[str]) -> int:
    """Print the layer table: output shape, parameters and FLOPs of one example."""
    parser = argparse.ArgumentParser("triathlon model", description=main.__doc__)
    parser.add_argument("overrides", nargs="*", help="as for a run: task=… backbone=…")
    parser.add_argument(
        "--config-dir", type=Path, help="a folder of your own with data/NAME.yaml and the like"
    )
    chosen = parser.parse_args(arguments)
    from suite.compose import compose

    config = compose(chosen.overrides, folder=chosen.config_dir)

    import torch
    from rich.table import Table

    from suite.hardware.flops import describe_layers
    from suite.run import build_model, build_task
    from suite.trust.terminal import Terminal

    device = torch.device("cpu")
    task = build_task(config, device)
    model = build_model(config, task, device)
    batch = task.example_batch()
    of = config.choices
    title = f"{of['task']} · {of['data']} · {of['backbone']}"
    table = Table(title=title, caption="FLOPs of one example's forward pass; B is the batch")
    for column in ("part", "layer", "kind"):
        table.add_column(column, overflow="fold")
    for column in ("output", "parameters", "FLOPs"):
        table.add_column(column, justify="right")
    parts = {"stem": "input", "backbone": "hidden", "head": "output"}
    layers = describe_layers(model, batch)
    previous = ""
    for layer in layers:
        if layer.kind in _NO_LAYERS:
            continue
        part, _, rest = layer.name.partition(".")
        if part != previous and previous:
            table.add_section()
        shown = parts.get(part, part) if part != previous else ""
        shape = "×".join(["B", *map(str, layer.shape[1:])]) if layer.shape else ""
        table.add_row(
            shown, rest or part, layer.kind, shape, f"{layer.parameters:,}", f"{layer.flops:,}"
        )
        previous = part
    table.add_section()
    parameters = sum(p.numel() for p in model.parameters())
    table.add_row(
        "", "total", "", "", f"{parameters:,}", f"{sum(layer.flops for layer in layers):,}"
    )
    Terminal().print(table)
    return 0
