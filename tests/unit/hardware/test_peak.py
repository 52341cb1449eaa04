import pytest
import torch

from suite.hardware import peak


@pytest.mark.parametrize(
    ("name", "number", "teraflops"),
    [
        ("NVIDIA H100 80GB HBM3", "bf16", 989.4),
        ("NVIDIA H100 PCIe", "bf16", 756),
        ("NVIDIA H100 NVL", "fp16", 835.5),
        ("NVIDIA H200", "tf32", 494.7),
        ("NVIDIA A100-SXM4-80GB", "fp32", 19.5),
        ("NVIDIA A10G", "fp32", None),  # not the A10
        ("Tesla V100-SXM2-16GB", "bf16", None),
        ("Tesla T4", "fp16", 65),
        ("NVIDIA GeForce RTX 4090", "bf16", None),
    ],
)
def test_data_sheets_are_of_the_very_model(name, number, teraflops):
    found = peak.data_sheet(name, number)
    if teraflops is None:
        assert found is None
    else:
        assert found.flops_per_second == pytest.approx(teraflops * 1e12)
        assert "dense" in found.basis


def test_half_precision_is_no_faster_than_its_sparse_figure_would_have_it():
    # Where a sheet's sparse figure had been taken, bf16 would be four times tf32.
    for peaks in peak._DENSE.values():
        if "tf32" in peaks:
            assert peaks["bf16"] / peaks["tf32"] == pytest.approx(2, rel=0.02)


def test_a_processor_is_measured_once(monkeypatch):
    monkeypatch.setattr(peak, "_SECONDS", 0.0)
    peak._measured.cache_clear()
    state = torch.get_rng_state()
    first = peak.peak_of(torch.device("cpu"), "fp32")
    assert first.flops_per_second > 1e9
    assert "384 x 384 matrices in fp32, " in first.basis
    assert peak.peak_of(torch.device("cpu"), "fp32") is first
    assert torch.equal(torch.get_rng_state(), state)
    peak._measured.cache_clear()
