"""Generalised advantage estimation.

Legend: T steps, N environments.
"""

import torch
from torch import Tensor


def advantages(
    reward_TN: Tensor,
    value_TN: Tensor,
    after_TN: Tensor,
    terminated_TN: Tensor,
    truncated_TN: Tensor,
    *,
    discount: float,
    gae_lambda: float,
) -> Tensor:
    """Return how much better each action was than the policy's mean, (T, N).

    Schulman et al. 2016, "High-dimensional continuous control using generalized advantage
    estimation", equation 16, summed backwards. value_TN: estimates before each step. after_TN:
    after it, of what was seen then, also where an episode was cut off: only where it terminated is
    there nothing to come (Pardo et al. 2018, section 3.1). No sum goes on over an episode's end.
    """
    error_TN = reward_TN + discount * after_TN * ~terminated_TN - value_TN
    goes_on_TN = ~(terminated_TN | truncated_TN)
    advantage_TN = torch.empty_like(error_TN)
    later_N = torch.zeros_like(error_TN[0])
    for t in reversed(range(len(error_TN))):
        later_N = error_TN[t] + discount * gae_lambda * goes_on_TN[t] * later_N
        advantage_TN[t] = later_N
    return advantage_TN
