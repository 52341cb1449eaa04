"""The backbone at the width that its learning rate was found at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from suite.config.backbone import BackboneConfig
from suite.config.run import RunConfig
from suite.errors import ConfigError

_GROW = ("width", "wide")
"""Options that are widths: they grow alike."""


def at_base_width(run: RunConfig) -> dict[str, int]:
    """Return the backbone's options that are others at `optimizer.base_width`; none without it.

    Raises a `ConfigError` where the backbone cannot be as wide.
    """
    base = getattr(run.optimizer, "base_width", None)
    if base is None:
        return {}
    backbone, key = run.backbone, f"optimizer.base_width={base}"
    if not isinstance(backbone, BackboneConfig):
        name = run.choices.get("backbone")
        raise ConfigError(f"{key}: backbone={name} has no width to choose; set it to null")
    options: dict[str, int] = {}
    for name in _GROW:
        if (now := getattr(backbone, name, None)) is not None:
            options[name], rest = divmod(now * base, backbone.width)
            if rest or not options[name]:
                raise ConfigError(
                    f"{key}: backbone.{name}={now} has no whole share of it (backbone.width="
                    f"{backbone.width}); choose widths in proportion"
                )
    try:
        replace(backbone, **cast(dict[str, Any], options))
    except ConfigError as error:
        raise ConfigError(f"{key}: {error}") from error
    return options
