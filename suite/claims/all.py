"""All claims, in the order in which they are told."""

from suite.claims.backpropagation import BACKPROPAGATION
from suite.claims.claim import Claim
from suite.claims.features import ALIKE, EDGES, HAND_MADE, HEARING, HIERARCHY, LEARNED, MODALITIES
from suite.claims.laws import FORETELLS, GAINS_MORE, PEOPLE
from suite.claims.learning import (
    CONVERGES,
    CROSS_ENTROPY,
    DOWNHILL,
    GENERALISES,
    NORMALISED,
    RESIDUAL,
    ROBUST,
)
from suite.claims.scaling import COMPUTE, DATA, DEPTH, DIMENSION, WIDTH
from suite.errors import ConfigError, nearest

CLAIMS: tuple[Claim, ...] = (
    BACKPROPAGATION,
    LEARNED,
    HAND_MADE,
    HIERARCHY,
    EDGES,
    HEARING,
    ALIKE,
    MODALITIES,
    CONVERGES,
    DOWNHILL,
    GENERALISES,
    ROBUST,
    CROSS_ENTROPY,
    RESIDUAL,
    NORMALISED,
    DATA,
    WIDTH,
    DEPTH,
    DIMENSION,
    COMPUTE,
    FORETELLS,
    GAINS_MORE,
    PEOPLE,
)


def chosen(names: list[str]) -> list[Claim]:
    """Return the claims of these names, or all."""
    known = {claim.name: claim for claim in CLAIMS}
    for name in names:
        if name not in known:
            raise ConfigError(f"--only {name}: no such claim{nearest(name, known)}")
    return [claim for claim in CLAIMS if not names or claim.name in names]
