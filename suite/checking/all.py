"""All checks, in the order in which they are made: what others rest on comes first."""

from collections.abc import Collection

from suite.checking.axes import AXES
from suite.checking.backbones import BACKBONES
from suite.checking.batch_size import BATCH_SIZE
from suite.checking.card import CARD
from suite.checking.check import Check
from suite.checking.construction import CONSTRUCTION
from suite.checking.cost import COST
from suite.checking.counts import COUNTS
from suite.checking.direction import DIRECTION
from suite.checking.falling import FALLING
from suite.checking.groups import GROUPS
from suite.checking.hand_made import HAND_MADE
from suite.checking.imports import IMPORTS
from suite.checking.labels import LABELS
from suite.checking.loss import LOSS
from suite.checking.metrics import METRICS
from suite.checking.mistakes import MISTAKES
from suite.checking.offline import OFFLINE
from suite.checking.opens import OPENS
from suite.checking.overfit import OVERFIT
from suite.checking.padding import PADDING
from suite.checking.properties import PROPERTIES
from suite.checking.references import REFERENCES
from suite.checking.repeatable import REPEATABLE
from suite.checking.resume import RESUME
from suite.checking.seeds import SEEDS
from suite.checking.shuffled_labels import SHUFFLED_LABELS
from suite.checking.splits import SPLITS
from suite.errors import ConfigError, nearest

CHECKS: tuple[Check, ...] = (
    CONSTRUCTION,
    IMPORTS,
    OPENS,
    CARD,
    AXES,
    COUNTS,
    SPLITS,
    GROUPS,
    SEEDS,
    RESUME,
    HAND_MADE,
    LOSS,
    METRICS,
    REPEATABLE,
    PADDING,
    BATCH_SIZE,
    REFERENCES,
    MISTAKES,
    PROPERTIES,
    OVERFIT,
    LABELS,
    DIRECTION,
    FALLING,
    SHUFFLED_LABELS,
    BACKBONES,
    COST,
    OFFLINE,
)

COSTLY = frozenset(check.name for check in CHECKS if check.trains)
"""Those that take seconds: they train a model, build many, or start a process."""


def chosen(only: Collection[str] = (), skip: Collection[str] = ()) -> list[Check]:
    """Return the checks of these names, or all, but for those to skip."""
    known = {check.name for check in CHECKS}
    for option, names in (("--only", only), ("--skip", skip)):
        for name in names:
            if name not in known:
                raise ConfigError(
                    f"{option} {name}: no such check{nearest(name, known)}; there are "
                    f"{', '.join(check.name for check in CHECKS)}"
                )
    return [c for c in CHECKS if (not only or c.name in only) and c.name not in skip]
