import os
from types import SimpleNamespace

import pytest
import torch

from suite.config import Device, HardwareConfig
from suite.errors import DeviceError
from suite.hardware import device
from suite.hardware.device import choose_device, choose_workers, keep_memory, prepare_process


@pytest.mark.parametrize(
    ("asked", "available", "given"),
    [
        (Device.auto, False, "cpu"),
        (Device.auto, True, "cuda"),
        (Device.cpu, True, "cpu"),
        (Device.cuda, True, "cuda"),
    ],
)
def test_device_is_the_one_asked_for(monkeypatch, asked, available, given):
    monkeypatch.setattr("torch.cuda.is_available", lambda: available)
    assert choose_device(HardwareConfig(device=asked)).type == given


@pytest.mark.parametrize(("cores", "given"), [(1, 1), (2, 1), (4, 3), (64, 8)])
def test_workers_leave_a_core_to_training(monkeypatch, cores, given):
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(cores)), raising=False)
    assert choose_workers(HardwareConfig()) == given
    assert choose_workers(HardwareConfig(workers=0)) == 0


def test_missing_gpu_is_one_clear_line(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(DeviceError, match=r"hardware\.device=cuda: .*; use hardware\.device=cpu"):
        choose_device(HardwareConfig(device=Device.cuda))


def test_process_gets_threads_and_determinism():
    prepare_process(HardwareConfig(threads=2), torch.device("cpu"))
    assert torch.get_num_threads() == 2
    assert torch.are_deterministic_algorithms_enabled()
    prepare_process(HardwareConfig(deterministic=False), torch.device("cpu"))
    assert torch.get_num_threads() == 2
    assert not torch.are_deterministic_algorithms_enabled()


def test_cuda_gets_the_workspace_that_determinism_needs(monkeypatch):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    prepare_process(HardwareConfig(), torch.device("cuda"))
    assert os.environ.pop("CUBLAS_WORKSPACE_CONFIG") == ":4096:8"
    assert torch.is_deterministic_algorithms_warn_only_enabled()


def test_keeping_memory_is_harmless_elsewhere(monkeypatch):
    monkeypatch.setattr("platform.libc_ver", lambda: ("", ""))
    monkeypatch.setattr("ctypes.CDLL", lambda _: pytest.fail("no glibc, no mallopt"))
    assert keep_memory() == "off: the C library is not glibc"


def test_memory_is_kept_unless_switched_off_and_from_then_on(monkeypatch):
    calls = []
    monkeypatch.setattr("platform.libc_ver", lambda: ("glibc", "2.39"))
    monkeypatch.setattr(
        "ctypes.CDLL", lambda _: SimpleNamespace(mallopt=lambda *a: calls.append(a))
    )
    monkeypatch.setattr(device, "_kept", False)

    def note(kept, on="cpu"):
        return prepare_process(HardwareConfig(keep_memory=kept), torch.device(on))["keep_memory"]

    assert note(False) == "off: hardware.keep_memory=false"
    assert calls == []
    assert note(True, "cuda") == "off: this run is on cuda"
    assert note(True) == "on: glibc keeps blocks of up to 1 GiB"
    assert calls == [(-3, 1 << 30), (-1, 1 << 30)]
    assert note(False).startswith("on: an earlier run in this process asked for it")


@pytest.mark.parametrize(
    ("threads", "variable", "note"),
    [
        (2, "1", "2 on 4 cores: hardware.threads"),
        (None, "1", "1 on 4 cores: OMP_NUM_THREADS=1"),
        (None, None, "1 on 4 cores: torch's own choice"),
    ],
)
def test_threads_are_told_with_who_chose_them(monkeypatch, threads, variable, note):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(4)), raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", variable or "")
    notes = prepare_process(HardwareConfig(threads=threads), torch.device("cpu"))
    assert notes["threads"] == note


@pytest.mark.parametrize(("given", "kept"), [(None, "256"), ("64", "64")])
def test_fewer_kernels_are_kept_unless_the_user_says_how_many(monkeypatch, given, kept):
    # Set first, so that what the call sets is undone too.
    monkeypatch.setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", given or "")
    if given is None:
        monkeypatch.delenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY")
    prepare_process(HardwareConfig(), torch.device("cpu"))
    assert os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] == kept
