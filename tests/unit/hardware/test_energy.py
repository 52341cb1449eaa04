from types import SimpleNamespace

import pytest
import torch

from suite.hardware.energy import Energy, NvmlCounter, RaplCounter


def _package(root, name, microjoules, largest=999_999):
    folder = root / name
    folder.mkdir(exist_ok=True)
    (folder / "energy_uj").write_text(f"{microjoules}\n")
    (folder / "max_energy_range_uj").write_text(f"{largest}\n")


def test_packages_add_up_and_wrap_around(tmp_path):
    _package(tmp_path, "intel-rapl:0", 900_000)
    _package(tmp_path, "intel-rapl:1", 100)
    _package(tmp_path, "intel-rapl:0:0", 5)  # a part of package 0: counted there already
    counter = RaplCounter.find(tmp_path)
    assert counter.covers.startswith("processor packages (2)")
    assert counter.joules() == 0
    _package(tmp_path, "intel-rapl:0", 950_000)
    _package(tmp_path, "intel-rapl:1", 300)
    assert counter.joules() == pytest.approx(0.0502)
    _package(tmp_path, "intel-rapl:0", 10_000)  # 50,000 to the end, 10,000 since
    assert counter.joules() == pytest.approx(0.0502 + 0.06)
    assert counter.joules() == pytest.approx(0.0502 + 0.06)


def test_no_counter_is_none(tmp_path):
    assert RaplCounter.find(tmp_path) is None
    (tmp_path / "intel-rapl:0").mkdir()
    assert RaplCounter.find(tmp_path) is None


def test_the_accelerators_own_counter_is_found_by_its_identity(monkeypatch):
    totals = iter([5_000_000, 5_000_000, 5_250_000])
    asked = []

    def handle(uuid):
        asked.append(uuid)
        return "handle"

    library = SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByUUID=handle,
        nvmlDeviceGetTotalEnergyConsumption=lambda _: next(totals),
    )
    monkeypatch.setitem(__import__("sys").modules, "pynvml", library)
    monkeypatch.setattr(
        "torch.cuda.get_device_properties", lambda device: SimpleNamespace(uuid="12-34")
    )
    energy = Energy.of(torch.device("cuda"))
    energy.resume()
    energy.pause(1.0)
    assert asked == ["GPU-12-34"]
    assert energy.spent.joules == pytest.approx(250)
    assert energy.spent.provenance == "measured_nvml"


def test_a_driver_without_the_counter_is_none(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pynvml", None)
    assert NvmlCounter.find(torch.device("cuda")) is None
