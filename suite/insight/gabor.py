"""Fits of two-dimensional Gabor functions: a grating under a Gaussian, as simple cells of the
visual cortex weigh what they see.

Jones and Palmer 1987, "An evaluation of the two-dimensional Gabor filter model of simple receptive
fields in cat striate cortex", equation 1, with the envelope along the grating. Least squares from
many starts: place, widths, orientation and frequency by Levenberg and Marquardt's method; amplitude
and phase are linear in what is left, and solved for at every step.

Legend: N filters, S starts, P parameters (6), K values of a filter (H * W).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

PARAMETERS = 8
"""Free numbers of a Gabor function: two for its place, two widths, orientation, frequency,
amplitude, phase."""
SMALLEST = 5
"""Side from which on a kernel has clearly more values than that."""

_STARTS, _STEPS = 6, 40
_ORIENTATIONS = 8
_CYCLES = (0.5, 1.0, 2.0, 3.0)
"""Cycles across the kernel that are tried."""
_WIDTHS = (0.15, 0.3)
"""Of the envelope, as shares of the side."""
_NARROWEST, _FASTEST = 0.5, 0.5
"""Pixels; cycles a pixel (the highest frequency that pixels can show)."""
_GAIN, _PATIENCE = 1e-5, 3
"""Share of a filter's energy that a step gains at least; steps to wait for such a one."""
_DIFFERENCE = 1e-5
_SINGULAR = 1e-9


@dataclass(frozen=True)
class GaborFits:
    """The best fit of each filter, float64 (N,).

    x, y: centre in pixels from the kernel's own. along, across: widths (deviations) of the envelope
    along the grating's direction of change and across it. angle: of that direction, radians in
    [0, π) from the columns' towards the rows'. frequency: cycles a pixel. phase: radians.
    r2: share of the filter's energy that it explains. adjusted: the same for the free parameters,
    R² less what as many would explain of noise in a linear fit.
    fitted_NHW: what was fitted.
    """

    x_N: Tensor
    y_N: Tensor
    along_N: Tensor
    across_N: Tensor
    angle_N: Tensor
    frequency_N: Tensor
    phase_N: Tensor
    amplitude_N: Tensor
    r2_N: Tensor
    adjusted_N: Tensor
    fitted_NHW: Tensor


def fit_gabors(filters_NHW: Tensor) -> GaborFits:
    """Fit a Gabor function to each filter; a filter of zeros is explained by none (R² 0).

    Raises `ValueError` for filters that have no more values than a Gabor function has parameters.
    """
    count, height, width = filters_NHW.shape
    if height * width <= PARAMETERS:
        raise ValueError(f"{height} x {width}: needs more values than {PARAMETERS} parameters")
    target_NK = filters_NHW.detach().cpu().double().flatten(1)
    energy_N = target_NK.square().sum(1)
    target_NK = target_NK / energy_N.sqrt().clamp(min=1e-300)[:, None]
    grid_2K = _places(height, width)
    side = max(height, width)
    guess_NSP = _starts(target_NK, grid_2K, side)
    best_NSP, error_NS = _descend(target_NK, grid_2K, guess_NSP, side)
    best_N = error_NS.argmin(1)
    chosen_NP = best_NSP[torch.arange(count), best_N]
    fitted_N1K, linear_N12 = _fitted(target_NK, grid_2K, chosen_NP[:, None])
    error_N = error_NS.gather(1, best_N[:, None])[:, 0]
    r2_N = torch.where(energy_N > 0, 1 - error_N, 0.0).clamp(0, 1)
    values = height * width
    x_N, y_N, along_N, across_N, angle_N, frequency_N = chosen_NP.unbind(1)
    cosine_N, sine_N = linear_N12[:, 0].unbind(1)
    scale_N = energy_N.sqrt()
    # a cos + b sin = c cos(… + φ); turned by half a circle the grating runs the other way.
    turned_N = angle_N.remainder(2 * math.pi) >= math.pi
    phase_N = torch.atan2(-sine_N, cosine_N)
    return GaborFits(
        x_N=x_N,
        y_N=y_N,
        along_N=along_N.exp(),
        across_N=across_N.exp(),
        angle_N=angle_N.remainder(math.pi),
        frequency_N=frequency_N,
        phase_N=torch.where(turned_N, -phase_N, phase_N),
        amplitude_N=scale_N * torch.hypot(cosine_N, sine_N),
        r2_N=r2_N,
        adjusted_N=1 - (1 - r2_N) * values / (values - PARAMETERS),
        fitted_NHW=(fitted_N1K[:, 0] * scale_N[:, None]).unflatten(1, (height, width)),
    )


def gabor(
    height: int,
    width: int,
    *,
    x: float,
    y: float,
    along: float,
    across: float,
    angle: float,
    frequency: float,
    phase: float,
) -> Tensor:
    """Return a Gabor function of amplitude 1, (height, width); `GaborFits` tells its parameters."""
    numbers = torch.tensor([x, y, math.log(along), math.log(across), angle, frequency]).double()
    cosine_K, sine_K = _basis(_places(height, width), numbers)
    values_K = math.cos(phase) * cosine_K - math.sin(phase) * sine_K
    return values_K.reshape(height, width)


def phase_scrambled(filters_NHW: Tensor, *, seed: int) -> Tensor:
    """Return filters with the same amplitudes at every frequency, and the phases of noise."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(filters_NHW.shape, generator=generator, dtype=torch.float64)
    amplitude = torch.fft.fft2(filters_NHW.detach().cpu().double()).abs()
    scrambled: Tensor = torch.fft.ifft2(torch.polar(amplitude, torch.fft.fft2(noise).angle())).real
    return scrambled


def _places(height: int, width: int) -> Tensor:
    """Return columns and rows of all pixels from the kernel's centre, (2, K)."""
    row_K = torch.arange(height, dtype=torch.float64).repeat_interleave(width) - (height - 1) / 2
    column_K = torch.arange(width, dtype=torch.float64).repeat(height) - (width - 1) / 2
    return torch.stack([column_K, row_K])


def _basis(grid_2K: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
    """Return the cosine and the sine grating under the envelope, (…, K)."""
    x, y, along, across, angle, frequency = (p[..., None] for p in parameters.unbind(-1))
    column, row = grid_2K[0] - x, grid_2K[1] - y
    u = column * angle.cos() + row * angle.sin()
    v = row * angle.cos() - column * angle.sin()
    envelope = (-(u / along.exp()).square() / 2 - (v / across.exp()).square() / 2).exp()
    turn = 2 * math.pi * frequency * u
    return envelope * turn.cos(), envelope * turn.sin()


def _fitted(target_NK: Tensor, grid_2K: Tensor, parameters_NSP: Tensor) -> tuple[Tensor, Tensor]:
    """Return the best sums of both gratings, (N, S, K), and their coefficients, (N, S, 2)."""
    basis_NS2K = torch.stack(_basis(grid_2K, parameters_NSP), 2)
    inner = basis_NS2K @ basis_NS2K.transpose(2, 3)
    # A grating of frequency 0 has no sine: a trace of ridge keeps its coefficient finite.
    size = inner.diagonal(dim1=2, dim2=3).sum(2)[..., None, None]
    inner = inner + (size * _SINGULAR + 1e-12) * torch.eye(2, dtype=torch.float64)
    outer = (basis_NS2K @ target_NK[:, None, :, None])[..., 0]
    linear_NS2 = torch.linalg.solve(inner, outer)
    return (linear_NS2[..., None] * basis_NS2K).sum(2), linear_NS2


def _starts(target_NK: Tensor, grid_2K: Tensor, side: int) -> Tensor:
    """Return the best of a coarse grid of parameters for each filter, (N, S, P)."""
    energy_NK = target_NK.square()
    total_N1 = energy_NK.sum(1, keepdim=True).clamp(min=1e-300)
    centre_N2 = (energy_NK @ grid_2K.T) / total_N1
    coarse = [
        (math.log(width * side), math.log(width * side), math.pi * turn / _ORIENTATIONS, frequency)
        for width in _WIDTHS
        for turn in range(_ORIENTATIONS)
        for frequency in sorted({min(cycles / side, _FASTEST) for cycles in _CYCLES})
    ]
    shape_S4 = torch.tensor(coarse, dtype=torch.float64)
    places = []
    for place_N2 in (centre_N2, torch.zeros_like(centre_N2)):
        shapes = shape_S4.expand(len(target_NK), -1, -1)
        places.append(torch.cat([place_N2[:, None].expand(-1, len(shape_S4), -1), shapes], 2))
    guess_NSP = torch.cat(places, 1)
    fitted_NSK, _ = _fitted(target_NK, grid_2K, guess_NSP)
    error_NS = (fitted_NSK - target_NK[:, None]).square().sum(2)
    best_NS = error_NS.argsort(1)[:, :_STARTS]
    return guess_NSP.gather(1, best_NS[..., None].expand(-1, -1, guess_NSP.shape[2]))


def _descend(
    target_NK: Tensor, grid_2K: Tensor, start_NSP: Tensor, side: int
) -> tuple[Tensor, Tensor]:
    """Return parameters after Levenberg's steps, and the squared error of each, (N, S)."""

    def residual(parameters_NSP: Tensor) -> Tensor:
        return _fitted(target_NK, grid_2K, parameters_NSP)[0] - target_NK[:, None]

    edge = side / 2
    low = torch.tensor([-edge, -edge, *[math.log(_NARROWEST)] * 2, -10.0, 0.0]).double()
    high = torch.tensor([edge, edge, *[math.log(2.0 * side)] * 2, 10.0, _FASTEST]).double()
    now_NSP = start_NSP.clamp(low, high)
    rest_NSK = residual(now_NSP)
    error_NS = rest_NSK.square().sum(2)
    damping_NS = torch.full_like(error_NS, 1e-2)
    parameters = now_NSP.shape[2]
    unit_PP = torch.eye(parameters, dtype=torch.float64)
    waited = 0
    for _ in range(_STEPS):
        slopes = [(residual(now_NSP + _DIFFERENCE * unit) - rest_NSK) for unit in unit_PP]
        slope_NSKP = torch.stack(slopes, 3) / _DIFFERENCE
        curve_NSPP = slope_NSKP.transpose(2, 3) @ slope_NSKP
        pull_NSP = (slope_NSKP.transpose(2, 3) @ rest_NSK[..., None])[..., 0]
        scale_NSP = curve_NSPP.diagonal(dim1=2, dim2=3) + 1e-8
        damped = curve_NSPP + torch.diag_embed(damping_NS[..., None] * scale_NSP + 1e-12)
        before_NS = error_NS
        tried_NSP = (now_NSP - torch.linalg.solve(damped, pull_NSP)).clamp(low, high)
        tried_rest = residual(tried_NSP)
        tried_error = tried_rest.square().sum(2)
        better_NS = tried_error < error_NS
        now_NSP = torch.where(better_NS[..., None], tried_NSP, now_NSP)
        rest_NSK = torch.where(better_NS[..., None], tried_rest, rest_NSK)
        error_NS = torch.where(better_NS, tried_error, error_NS)
        gained = ((before_NS - error_NS) > _GAIN).any()
        waited = 0 if gained else waited + 1
        if waited == _PATIENCE:
            break
        damping_NS = (damping_NS * torch.where(better_NS, 0.3, 4.0)).clamp(1e-9, 1e9)
    return now_NSP, error_NS
