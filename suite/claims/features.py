"""Claims about what networks learn: features of their own, more abstract from layer to layer."""

from collections.abc import Callable, Sequence
from itertools import combinations

from suite.claims import looks
from suite.claims.cells import SEEDS, Cell, cell
from suite.claims.claim import Claim, Effect, Measured
from suite.claims.pictures import curves
from suite.claims.ran import Done, Ran
from suite.claims.sets import ClaimSet, read_set

CellsOf = Callable[[ClaimSet], Sequence[Cell]]
MeasureOf = Callable[[ClaimSet, Ran], Sequence[Measured]]

_LAYERS, _SHALLOW, _OTHERS = "layers", "shallow_whole", "counterpart"


def _layer_cells(one: ClaimSet) -> list[Cell]:
    return [cell(one, _LAYERS, seed, *one.deep, looks=(looks.LAYERS,)) for seed in SEEDS]


def _seen(runs: Sequence[Done], *keys: str) -> list[float]:
    """Return a number of each run that was seen in its layers."""
    found = []
    for run in runs:
        value = run.looked[looks.LAYERS]
        for key in keys:
            value = value[key]
        found.append(float(value))  # type: ignore[arg-type]
    return found


def _learned(one: ClaimSet, ran: Ran) -> list[Measured]:
    runs = ran.of(_LAYERS)
    note = "score of a linear probe at the output, trained and untrained: " + ", ".join(
        f"{trained:.3f} and {fresh:.3f}"
        for trained, fresh in zip(
            _seen(runs, "trained_output"), _seen(runs, "untrained_output"), strict=True
        )
    )
    effect = Effect.over_seeds(_seen(runs, "learned", "output"))
    return [Measured(set=one.name, effect=effect, note=note)]


def _hierarchy(one: ClaimSet, ran: Ran) -> list[Measured]:
    runs = ran.of(_LAYERS)
    if "abstraction" not in runs[0].looked[looks.LAYERS]["learned"]:
        return [Measured(set=one.name, effect=None, note="the task tells no property that varies")]
    lines = {
        kind: [list(map(tuple, run.looked[looks.LAYERS]["lines"][kind])) for run in runs]
        for kind in runs[0].looked[looks.LAYERS]["lines"]
    }
    picture = curves(f"hierarchy-{one.name}", lines, x="depth", y="score of a linear probe")
    own = ", ".join(f"{slope:+.3f}" for slope in _seen(runs, "own", "abstraction"))
    return [
        Measured(
            set=one.name,
            effect=Effect.over_seeds(_seen(runs, "learned", "abstraction")),
            note=f"the network's own, before the untrained one's is taken off: {own}",
            numbers={"by_seed": [run.looked[looks.LAYERS] for run in runs]},
            figures=(picture,),
        )
    ]


def _shallow_cells(one: ClaimSet) -> list[Cell]:
    if not one.shallow:
        return []
    base = [cell(one, "base", seed, looks=(looks.CHANCE,)) for seed in SEEDS]
    return [*base, Cell(study=_SHALLOW, seed=0, overrides=tuple(one.shallow))]


def _hand_made(one: ClaimSet, ran: Ran) -> list[Measured]:
    if not one.shallow:
        return []
    (shallow,) = ran.of(_SHALLOW)
    better = [run.quality - shallow.quality for run in ran.of("base")]
    note = f"{shallow.record.hand_made['features']} reach {shallow.quality:.3f}"
    return [Measured(set=one.name, effect=Effect.over_seeds(better), note=note)]


def _alike(one: ClaimSet, ran: Ran) -> list[Measured]:
    from suite.claims.comparing import middles

    pairs = list(combinations(ran.of(_LAYERS), 2))
    found = [middles(a.folder, b.folder) for a, b in pairs]
    effect = Effect.over_seeds([trained - fresh for trained, fresh in found])
    note = ", ".join(f"{trained:.3f} trained, {fresh:.3f} untrained" for trained, fresh in found)
    return [Measured(set=one.name, effect=effect, note=f"by pair of seeds: {note}")]


def _counterpart_cells(one: ClaimSet) -> list[Cell]:
    if one.counterpart is None:
        return []
    other = read_set(one.counterpart)
    theirs = [cell(other, _OTHERS, seed, *other.deep, looks=(looks.LAYERS,)) for seed in SEEDS]
    return [*_layer_cells(one), *theirs]


def _modalities(one: ClaimSet, ran: Ran) -> list[Measured]:
    if one.counterpart is None:
        return []
    from suite.claims.comparing import middles

    pairs = list(zip(ran.of(_LAYERS), ran.of(_OTHERS), strict=True))
    found = [middles(a.folder, b.folder) for a, b in pairs]
    effect = Effect.over_seeds([trained - fresh for trained, fresh in found])
    note = ", ".join(f"{trained:.3f} trained, {fresh:.3f} untrained" for trained, fresh in found)
    return [Measured(set=one.name, part=one.counterpart, effect=effect, note=f"by seed: {note}")]


def _look_cells(name: str, of: Callable[[ClaimSet], Sequence[str]]) -> CellsOf:
    def cells(one: ClaimSet) -> list[Cell]:
        if not of(one):
            return []
        return [cell(one, name, seed, *of(one), looks=(name,)) for seed in SEEDS]

    return cells


def _gain(name: str) -> MeasureOf:
    """Return what measures a gain over untrained networks that was seen in each run."""

    def measure(one: ClaimSet, ran: Ran) -> Sequence[Measured]:
        looked = [run.looked[name] for run in ran.of(name)]
        if not looked:
            return []
        note = "trained and untrained: " + ", ".join(
            f"{seen['trained']:.3f} and {seen['untrained']:.3f}" for seen in looked
        )
        effect = Effect.over_seeds([float(seen["gain"]) for seen in looked])
        return [Measured(set=one.name, effect=effect, note=note)]

    return measure


LEARNED = Claim(
    name="learned_features",
    text="A network finds features by itself",
    experiment=(
        "A linear probe reads the label off the output of the hidden layers, fitted on training "
        "examples and scored on test examples; the same of networks with random weights."
    ),
    quantity="score (0 chance, 1 perfect) of the probe beyond that of untrained networks",
    margin=0.05,
    reason="a twentieth of the way from chance to perfect is what a user would notice",
    change="random features that are wide enough for the set, or training that fails",
    cells=_layer_cells,
    measure=_learned,
)
HAND_MADE = Claim(
    name="beats_hand_made_features",
    text="Features that are learned beat those made by hand",
    experiment=(
        "Networks against a support vector machine on hand-made features of the whole training "
        "split, its strength chosen on validation."
    ),
    quantity="test accuracy of the network less that of the support vector machine",
    margin=0.0,
    reason="any difference that seeds do not explain counts",
    change="larger networks and longer training than seconds, or more data",
    cells=_shallow_cells,
    measure=_hand_made,
)
HIERARCHY = Claim(
    name="hierarchy",
    text="Layers become more abstract with depth",
    experiment=(
        "Every layer is probed for the label and for properties that nobody taught (brightness, "
        "length, pitch …); so are those of networks with random weights."
    ),
    quantity=(
        "slope over depth of the label's score less that of the properties, beyond untrained "
        "networks"
    ),
    margin=0.05,
    reason="from input to output it is a twentieth of the way from chance to perfect",
    change="networks with one layer that does it all, or properties that the label consists of",
    cells=_layer_cells,
    measure=_hierarchy,
)
ALIKE = Claim(
    name="seeds_learn_alike",
    text="Networks that begin with other weights come to like representations",
    experiment=(
        "The middle layers of networks of two seeds are compared on the same test examples by "
        "debiased CKA, and so are those of untrained networks of the same seeds."
    ),
    quantity="debiased CKA of two trained networks less that of two untrained, by pair of seeds",
    margin=0.0,
    reason="any difference counts; the three pairs share seeds, so they are not independent",
    change="wide networks, whose random features are alike already",
    cells=_layer_cells,
    measure=_alike,
)
MODALITIES = Claim(
    name="modalities_alike",
    text="Networks that see and networks that hear come to like representations",
    experiment=(
        "The middle layers of networks of two modalities are compared on test examples that are "
        "paired by their label (a spoken seven with a picture of a 7), by debiased CKA."
    ),
    quantity="debiased CKA of two trained networks less that of two untrained, by seed",
    margin=0.05,
    reason="below a twentieth two representations are unrelated for every use",
    change="deeper layers, where labels alone make what is alike, or pairs that share more",
    cells=_counterpart_cells,
    measure=_modalities,
)
EDGES = Claim(
    name="first_layers_learn_edges",
    text="First layers of networks that see learn edges",
    experiment=(
        "A Gabor function, an edge or a grating in a window, is fitted to each kernel of the first "
        "layer, and to those of untrained networks."
    ),
    quantity="mean R² of Gabor functions, of trained kernels less that of untrained ones",
    margin=0.05,
    reason="a twentieth of a kernel's energy is what a picture of it would show",
    change="larger pictures and kernels, and longer training; eight pixels hold few edges",
    cells=_look_cells(looks.KERNELS, lambda one: one.kernels),
    measure=_gain(looks.KERNELS),
)
HEARING = Claim(
    name="learned_filters_are_spaced_as_people_hear",
    text="Filters learned on waves divide the spectrum as people do",
    experiment=(
        "Networks learn their first filters on the wave. The frequencies that these pass best are "
        "held against even spacing on the mel scale, where people's hearing is even."
    ),
    quantity="a tenth less the share of the mel scale that filters are off from dividing it evenly",
    margin=0.0,
    reason="filters that are even in hertz are a sixth of the scale off",
    change="longer training, real recordings, or filters that begin elsewhere than evenly in hertz",
    cells=_look_cells(looks.FILTERS, lambda one: one.filters),
    measure=_gain(looks.FILTERS),
)
