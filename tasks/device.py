"""Chooses the device of a run."""

import ctypes


def resolve(device: str) -> str:
    """Turn "auto" into "cuda" where a CUDA device can be used, else into "cpu"; anything else stays.

    torch, which takes seconds to import, is asked only on machines that have NVIDIA's driver.
    """
    if device != "auto":
        return device
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
