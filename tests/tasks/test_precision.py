import pytest

from tasks.precision import NAMES, resolve


@pytest.mark.parametrize("dtype", NAMES)
def test_every_name_is_a_format_that_torch_knows(dtype):
    torch = pytest.importorskip("torch")
    assert getattr(torch, resolve(dtype, "cpu")).is_floating_point


def test_short_names_and_auto():
    assert [resolve(dtype, "cpu") for dtype in ("fp16", "bf16", "fp32", "auto")] == [
        "float16",
        "bfloat16",
        "float32",
        "float32",
    ]


@pytest.mark.parametrize(("supported", "chosen"), [(True, "bfloat16"), (False, "float16")])
def test_auto_on_cuda_takes_what_the_device_supports(monkeypatch, supported, chosen):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: supported)
    assert resolve("auto", "cuda:1") == chosen
    assert resolve("fp32", "cuda:1") == "float32"
