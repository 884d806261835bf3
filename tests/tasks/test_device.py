"""`--device auto`: cuda where it can be used, else cpu, without importing torch on machines that have no driver."""

import ctypes

import pytest

from tasks import device


@pytest.mark.parametrize("name", ["cpu", "cuda", "cuda:1"])
def test_a_device_that_was_named_stays(name):
    assert device.resolve(name) == name


def test_without_a_driver_it_is_the_cpu(monkeypatch):
    def no_driver(name):
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", no_driver)
    assert device.resolve("auto") == "cpu"


@pytest.mark.parametrize(("usable", "chosen"), [(True, "cuda"), (False, "cpu")])
def test_with_a_driver_torch_decides(monkeypatch, usable, chosen):
    import torch

    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    monkeypatch.setattr(torch.cuda, "is_available", lambda: usable)
    assert device.resolve("auto") == chosen
