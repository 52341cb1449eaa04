"""Planted truth: layers to which the label is added, and from which a property is taken away."""

import numpy as np
import pytest

from suite.insight.layers import Layer
from suite.insight.probes import Questions, learned, over_seeds, probe_layers, slopes_of
from suite.insight.ridge import Target

COUNT, FIT, DEPTH, WIDTH = 900, 600, 5, 16


def _probed(seed, *, label=0.0, other=0.0):
    """Return probes of layers whose label and property get stronger by so much from end to end.

    Both begin at a strength of 1.
    """
    rng = np.random.default_rng(seed)
    label_N = rng.integers(0, 3, COUNT)
    other_N = rng.standard_normal(COUNT)
    taught_3W, told_W = rng.standard_normal((3, WIDTH)), rng.standard_normal(WIDTH)
    layers = []
    for at in range(DEPTH):
        depth = at / (DEPTH - 1)
        values = rng.standard_normal((COUNT, WIDTH)) * 1.5
        values += (0.5 + label * depth) * taught_3W[label_N]
        values += (0.5 + other * depth) * other_N[:, None] * told_W
        layers.append(Layer(name=f"layer {at}", depth=depth, values_ND=values.astype(np.float32)))
    asked = Questions(
        fit_on=range(FIT),
        score_on=range(FIT, COUNT),
        labels=[Target(name="label", fit_N=label_N[:FIT], score_M=label_N[FIT:])],
        properties=[Target(name="p", fit_N=other_N[:FIT], score_M=other_N[FIT:])],
    )
    halves = [
        [Layer(name=one.name, depth=one.depth, values_ND=one.values_ND[part]) for one in layers]
        for part in (slice(FIT), slice(FIT, COUNT))
    ]
    probed = probe_layers(*halves, asked)
    assert probed is not None
    return probed


def test_a_network_that_becomes_abstract_is_found_to():
    found = slopes_of(_probed(0, label=1.0, other=-0.5))
    assert found.label.verdict == "yes"
    assert found.properties.verdict == "no"
    assert found.abstraction.verdict == "yes"
    assert found.abstraction.value == pytest.approx(found.label.value - found.properties.value)


def test_one_that_becomes_less_so_is_found_to_as_well():
    assert slopes_of(_probed(0, label=-0.5, other=1.0)).abstraction.verdict == "no"


def test_layers_that_are_alike_have_no_slope():
    verdicts = [
        slope.verdict
        for seed in range(20)
        for found in [slopes_of(_probed(seed))]
        for slope in (found.label, found.abstraction)
    ]
    assert verdicts.count("unclear") >= 36  # of 40, at 95%


def test_what_fades_without_training_too_is_not_learned():
    fading = {"label": 0.0, "other": -0.5}
    trained, controls = _probed(0, **fading), [_probed(seed, **fading) for seed in (1, 2, 3)]
    assert slopes_of(trained).abstraction.verdict == "yes"
    found = learned(trained, controls)
    assert found.slopes.abstraction.verdict == "unclear"
    assert found.output.verdict == "unclear"
    found = learned(_probed(0, label=1.0, other=-0.5), controls)
    assert (found.slopes.label.verdict, found.slopes.abstraction.verdict) == ("yes", "yes")
    assert found.output.verdict == "yes"


def test_seeds_are_what_an_interval_over_seeds_counts():
    several = [slopes_of(_probed(seed, label=1.0, other=-0.5)) for seed in range(3)]
    found = over_seeds(several)
    assert (found.abstraction.n, found.abstraction.over) == (3, "seeds")
    assert found.abstraction.verdict == "yes"
    assert found.label.value == pytest.approx(np.mean([one.label.value for one in several]))
    alike = over_seeds([slopes_of(_probed(seed)) for seed in range(10, 13)])
    assert alike.abstraction.verdict == "unclear"
