"""A planted exponent is found, and a flat curve, or noise, is no scaling."""

import numpy as np
import pytest

from suite.claims.cells import Cell
from suite.claims.claim import Verdict
from suite.claims.laws import FORETELLS
from suite.claims.ran import Done, Ran
from suite.claims.scaling import DATA, exponent
from suite.claims.sets import read_set
from suite.record import RunRecord

SIZES = (20, 60, 200, 600, 2000, 6000)


def ran(error_of, tmp_path, seeds=3):
    """Runs whose test errors a function of size and seed tells."""
    done = []
    for seed in range(seeds):
        for size in SIZES:
            record = RunRecord(
                run_id="a", name="a", primary="accuracy", direction="maximize",
                metrics={"test/accuracy": 1 - error_of(size, seed)},
                data_card={"sizes": {"test": 10_000}},
            )  # fmt: skip
            cell = Cell(study="data", axes={"size": size}, seed=seed, overrides=())
            done.append(Done(cell=cell, record=record, folder=tmp_path))
    return Ran(done)


def test_exponent_of_a_power_is_found():
    assert exponent(SIZES, [0.9 * size**-0.3 for size in SIZES]) == pytest.approx(0.3)


def planted(size, seed):
    noise = np.random.default_rng((seed, size)).normal(0, 0.03)
    return (0.05 + 2 * size**-0.5) * np.exp(noise)


def nothing(size, seed):
    return 0.9 + np.random.default_rng((seed, size)).normal(0, 0.005)


def test_planted_scaling_is_supported_and_its_law_foretells(tmp_path):
    one, found = read_set("digits"), ran(planted, tmp_path)
    assert DATA.verdict(DATA.measure(one, found)) is Verdict.SUPPORTED
    assert FORETELLS.verdict(FORETELLS.measure(one, found)) is Verdict.SUPPORTED


def test_noise_around_chance_is_no_scaling(tmp_path):
    found = DATA.measure(read_set("digits"), ran(nothing, tmp_path))
    assert DATA.verdict(found) is Verdict.NOT_SUPPORTED


def test_a_law_that_breaks_is_not_supported(tmp_path):
    def broken(size, seed):
        return planted(size, seed) * (3 if size == SIZES[-1] else 1)

    found = FORETELLS.measure(read_set("digits"), ran(broken, tmp_path))
    assert FORETELLS.verdict(found) is Verdict.NOT_SUPPORTED


def test_no_item_wrong_has_a_logarithm(tmp_path):
    assert ran(lambda size, seed: 0.0, tmp_path).of("data")[0].error == 0.5 / 10_000
