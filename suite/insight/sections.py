"""What `triathlon insight` can look into: each section by its name, imported when it is asked for.

A section is a function of a `Subject`, and of those of `Options` that it names, to a `Finding`, or
to None where it does not apply to the run's model or task.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

from suite.errors import ConfigError, nearest
from suite.insight.finding import Finding
from suite.insight.subject import Subject

SECTIONS = {
    "probes": "suite.insight.probing:probes",
    "similarity": "suite.insight.comparing:similarity",
    "embedding": "suite.insight.embedding:embedding",
    "filters": "suite.insight.filters:filters",
    "hearing": "suite.insight.hearing:hearing",
    "exciting": "suite.insight.exciting:exciting",
    "attribution": "suite.insight.attribution:attribution",
    "gradients": "suite.insight.gradients:gradients",
    "gradient_norms": "suite.insight.gradient_norms:gradient_norms",
    "landscape": "suite.insight.landscape:landscape",
}
"""By name, in the order that they are shown in."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What may be asked of a section; None is the section's own choice.

    examples: of a split, at most. controls: untrained networks to compare with.
    against: other runs.
    """

    examples: int | None = None
    controls: int | None = None
    against: Sequence[Subject] = ()

    def __post_init__(self) -> None:
        for name, least in (("examples", 32), ("controls", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ConfigError(f"--{name} {value}: must be {least} or more")


def chosen(only: str | None) -> list[str]:
    """Return the names of the sections to look into; None is all. Raises a `ConfigError`."""
    if only is None:
        return list(SECTIONS)
    names = [name.strip() for name in only.split(",") if name.strip()]
    for name in names:
        if name not in SECTIONS:
            known = ", ".join(SECTIONS)
            raise ConfigError(f"--only {name}: no such section{nearest(name, SECTIONS)}; {known}")
    if not names:
        raise ConfigError(f"--only {only!r}: names no section; give some of {', '.join(SECTIONS)}")
    return [name for name in SECTIONS if name in names]


def look(name: str, subject: Subject, options: Options) -> Finding | None:
    """Return what a section finds in a run."""
    module, _, function = SECTIONS[name].partition(":")
    section: Callable[..., Finding | None] = getattr(import_module(module), function)
    asked = inspect.signature(section).parameters
    given = {
        key: value for key, value in vars(options).items() if key in asked and value is not None
    }
    return section(subject, **given)
