import json

import pytest
import torch
from torch import nn

from suite import DeepModel
from suite.hardware.profile import PARTS, Profile

CPU = torch.device("cpu")


class Slow(nn.Module):
    """Work that takes a while."""

    def forward(self, x):
        for _ in range(20):
            x = x @ x / x.norm()
        return x


def _train(profile, model, steps):
    for step in range(1, steps + 1):
        profile.begin(step)
        with profile.part("data"):
            batch = torch.eye(64)
        with profile.part("forward"):
            model(batch)
        with profile.part("backward"):
            Slow()(Slow()(batch))
    profile.close()
    profile.close()


@pytest.mark.parametrize(("steps", "profiled"), [(30, 10), (20, 10), (12, 10), (3, 3)])
def test_a_few_steps_are_told_by_part(tmp_path, steps, profiled):
    model = DeepModel(Slow(), nn.Identity(), nn.Identity())
    trace = tmp_path / "profile" / "trace.json"
    profile = Profile(trace, model, CPU, steps=steps)
    _train(profile, model, steps)
    assert set(profile.seconds) == set(PARTS)
    for part in ("data", "features", "forward", "backward"):
        assert profile.seconds[part] > 0, part
    assert profile.seconds["optimizer"] == profile.seconds["logging"] == 0
    events = json.loads(trace.read_text())["traceEvents"]
    spans = [e for e in events if e.get("name") == "triathlon: backward"]
    assert len([e for e in spans if e.get("cat") == "user_annotation"]) == profiled
    assert not model.stem._forward_hooks
    assert not model.stem._forward_pre_hooks


def test_outside_its_steps_nothing_is_recorded(tmp_path):
    profile = Profile(tmp_path / "trace.json", nn.Identity(), CPU, steps=100)
    with profile.part("data"):
        torch.ones(1)
    profile.close()
    assert profile.seconds == {}
    assert not profile.trace.exists()
