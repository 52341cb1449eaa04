import subprocess

import psutil
import pytest
import torch

from suite.hardware import machine


def test_machine_says_what_results_depend_on():
    described = machine.describe_machine(torch.device("cpu"))
    assert described["device"] == "cpu"
    assert described["threads"] == torch.get_num_threads()
    assert described["memory_bytes"] == psutil.virtual_memory().total
    assert described["processor"]
    assert described["vector_extensions"] == torch.backends.cpu.get_cpu_capability()
    assert "accelerator" not in described


def test_versions_name_what_is_missing(monkeypatch):
    monkeypatch.setattr(machine, "_PACKAGES", ("torch", "no-such-package"))
    versions = machine.describe_versions()
    assert versions["torch"].startswith(torch.__version__.split("+")[0])
    assert versions["no-such-package"] == "not installed"
    assert versions["python"].count(".") == 2


def test_git_tells_the_commit_and_whether_the_tree_differs(tmp_path):
    assert machine.describe_git(tmp_path) == {}

    def git(*arguments):
        identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
        return subprocess.run(
            ["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init")
    (tmp_path / "file").write_text("1")
    git("add", "file")
    git("commit", "-m", "first")
    assert machine.describe_git(tmp_path) == {"commit": git("rev-parse", "HEAD"), "dirty": False}
    (tmp_path / "file").write_text("2")
    assert machine.describe_git(tmp_path)["dirty"] is True


def test_memory_is_of_the_run_alone():
    large = torch.ones(40_000_000)  # 160 MB, long gone when the run begins
    del large
    memory = machine.Memory(torch.device("cpu"))
    begun = memory.peak()
    # A process with torch in it takes more than 100 MB and less than all there is.
    assert 1e8 < begun["host_start_bytes"] <= begun["host_peak_bytes"] + 1e6
    assert begun["host_peak_bytes"] < begun["host_start_bytes"] + 5e7
    used = torch.ones(40_000_000)
    assert memory.peak()["host_peak_bytes"] > begun["host_start_bytes"] + 1.2e8
    assert "device_peak_bytes" not in begun
    del used


def test_limits_of_a_container_are_told(tmp_path):
    assert machine.container_limits(tmp_path) == {}
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert machine.container_limits(tmp_path) == {}
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    (tmp_path / "memory.max").write_text("2147483648\n")
    limits = machine.container_limits(tmp_path)
    assert limits == {"core_limit": 1.5, "memory_limit_bytes": 2.0**31}


def test_the_fingerprint_tells_machines_apart_by_what_makes_them_fast(monkeypatch):
    device = torch.device("cpu")
    here = machine.describe_machine(device)
    assert machine.describe_machine(device)["fingerprint"] == here["fingerprint"]
    monkeypatch.setattr(machine, "usable_cores", lambda: 96)
    other = machine.describe_machine(device)
    assert other["usable_cores"] == 96
    assert other["fingerprint"] != here["fingerprint"]


@pytest.mark.parametrize(
    ("flags", "number", "device", "slow"),
    [
        ("fma avx2 avx512f", "bf16", "cpu", True),
        ("avx512f avx512_bf16", "bf16", "cpu", False),
        ("avx2 amx_bf16 amx_tile", "bf16", "cpu", False),
        ("fma avx2", "fp32", "cpu", False),
        ("fma avx2", "bf16", "cuda", False),
        ("", "bf16", "cpu", False),  # not told: an ARM processor, or not Linux
    ],
)
def test_a_number_format_that_slows_is_told(monkeypatch, flags, number, device, slow):
    monkeypatch.setattr(machine, "_cpuinfo", lambda key: {"flags": flags}[key])
    warning = machine.slow_number(number, torch.device(device))
    assert bool(warning) is slow
    assert warning is None or "precision=fp32" in warning
