"""Settings of the process, and the choice of a device."""

import ctypes
import os
import subprocess
import sys

import pytest
import torch

from dkg.acceleration.process import resolve_device, threads

KEYS = """
import resource, sys
import torch
from dkg.acceleration import accelerate
from dkg.acceleration.process import keep_freed_memory
from dkg.models import Generator

torch.set_num_threads(1)
if sys.argv[1] == "keep":
    keep_freed_memory()
generator, x = accelerate(Generator()), torch.zeros(1, 3, 256, 256)
with torch.inference_mode():
    for _ in range(3):
        generator(x)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(3):
        generator(x)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="it is a setting of Linux's C library")
def test_freed_memory_is_kept_for_the_next_key():
    if not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"):
        pytest.skip("it is a setting of glibc, and this C library is another one")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_"))}

    def pages(argument):
        command = [sys.executable, "-c", KEYS, argument]
        return int(subprocess.check_output(command, env=environment))

    assert pages("keep") < pages("give back") / 2


def test_so_many_threads_and_as_many_as_before_afterwards():
    before = torch.get_num_threads()
    with pytest.raises(KeyError), threads(1):
        assert torch.get_num_threads() == 1
        raise KeyError
    assert torch.get_num_threads() == before
    with threads(None):
        assert torch.get_num_threads() == before


def test_a_missing_cuda_device_is_said(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto").type == "cpu"
    with pytest.raises(ValueError, match="no CUDA device"):
        resolve_device("cuda")
    with pytest.raises(ValueError, match="gpu"):
        resolve_device("gpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert resolve_device("cuda:1").index == 1
    with pytest.raises(ValueError, match="'cuda:2' was requested, but torch sees 2"):
        resolve_device("cuda:2")


@pytest.mark.parametrize("device", ["meta", "hpu", "vulkan"])
def test_devices_that_torch_knows_and_cannot_use(device):
    with pytest.raises(ValueError, match=f"'{device}' was requested, but torch cannot compute"):
        resolve_device(device)
