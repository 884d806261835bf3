"""Chooses the number format of a run."""

SHORT = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
NAMES = ("auto", *SHORT.values(), *SHORT)


def resolve(dtype: str, device: str) -> str:
    """Spell a number format out; "auto" is float32 on a CPU, on CUDA bfloat16 where it is supported, else float16.

    Args:
        dtype: one of `NAMES`.
        device: resolved device of the run.
    """
    if dtype != "auto":
        return SHORT.get(dtype, dtype)
    if not device.startswith("cuda"):
        return "float32"
    import torch

    return "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
