import math

import pytest
import torch

from suite.insight.gabor import SMALLEST, fit_gabors, gabor, phase_scrambled

NAMES = ("x", "y", "along", "across", "angle", "frequency", "phase")
ROWS = [
    (0.6, -0.4, 1.6, 2.2, 0.5, 0.2, 0.7),
    (-1.0, 0.3, 2.0, 1.4, 2.4, 0.15, -1.6),
    (0.0, 0.0, 1.8, 3.0, 1.5, 0.3, 3.0),
]
PLANTED = [dict(zip(NAMES, row, strict=True)) for row in ROWS]


def test_a_fit_recovers_planted_parameters() -> None:
    noise = torch.randn(3, 9, 9, generator=torch.Generator().manual_seed(0)) * 0.01
    filters = torch.stack([5 * gabor(9, 9, **one) for one in PLANTED]) + noise
    fits = fit_gabors(filters)
    assert fits.r2_N.min() > 0.99
    for n, one in enumerate(PLANTED):
        for name, value in one.items():
            got = float(getattr(fits, f"{name}_N")[n])
            if name == "phase":
                got = value + math.remainder(got - value, 2 * math.pi)
            assert got == pytest.approx(value, abs=0.08), (n, name)
        assert float(fits.amplitude_N[n]) == pytest.approx(5, rel=0.05)
    torch.testing.assert_close(fits.fitted_NHW, filters.double(), atol=0.05, rtol=0)


def test_noise_is_fitted_badly_where_kernels_are_large_and_gabors_lose_by_scrambling() -> None:
    generator = torch.Generator().manual_seed(1)
    noise = fit_gabors(torch.randn(40, 9, 9, generator=generator))
    assert noise.r2_N.mean() < 0.5
    assert noise.adjusted_N.mean() < noise.r2_N.mean()
    # Of few values anything can be fitted: what the smallest side that is judged is for.
    assert fit_gabors(torch.randn(40, 3, 3, generator=generator)).r2_N.mean() > 0.8
    assert SMALLEST > 3
    planted = torch.stack([gabor(11, 11, **one) for one in PLANTED])
    scrambled = phase_scrambled(planted, seed=0)
    torch.testing.assert_close(
        torch.fft.fft2(scrambled).abs(), torch.fft.fft2(planted).abs(), atol=1e-9, rtol=0
    )
    assert (fit_gabors(planted).r2_N - fit_gabors(scrambled).r2_N).mean() > 0.2


def test_a_filter_of_zeros_is_explained_by_nothing_and_too_small_ones_are_refused() -> None:
    fits = fit_gabors(torch.zeros(1, 5, 5))
    assert fits.r2_N.tolist() == [0]
    assert fits.fitted_NHW.abs().max() == 0
    with pytest.raises(ValueError, match="2 x 4: needs more values"):
        fit_gabors(torch.zeros(1, 2, 4))
