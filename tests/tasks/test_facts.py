"""What is known of a model: memory in words, published numbers in a line, weights counted by their headers."""

import pytest
import torch
from safetensors.torch import save_file

from benchmarks.errors import ModelError
from tasks.facts import ModelSize, Published, stored_values


def test_memory_is_weights_times_bytes_and_names_what_an_answer_takes():
    assert ModelSize("7b", 7_000_000_000).memory() == (
        "7,000,000,000 weights: 28.00 GB in float32, 14.00 GB in bfloat16"
    )
    llama = ModelSize("llama", 1_000, values_per_token=2 * 32 * 4096)  # keys and values of 32 layers, 4096 wide
    assert llama.memory().endswith("every 1,000 tokens of an answer 0.52 GB in bfloat16")


def test_a_published_number_keeps_its_digits_and_its_source():
    number = Published("rec", "RefCOCO", "val", "acc@0.5", "87.00", "percent", "arXiv 1234, table 2")
    assert number.line() == "rec RefCOCO val: acc@0.5 87.00 percent (arXiv 1234, table 2)"


def test_weights_are_counted_over_all_shards_without_reading_them(tmp_path):
    save_file({"a": torch.zeros(3, 4), "b": torch.zeros(())}, tmp_path / "one.safetensors", metadata={"format": "pt"})
    save_file({"c": torch.zeros(5, dtype=torch.bfloat16)}, tmp_path / "two.safetensors")
    assert stored_values(tmp_path) == 3 * 4 + 1 + 5
    assert stored_values(tmp_path / "two.safetensors") == 5


@pytest.mark.parametrize("content", [b"", b"\x05\0\0\0\0\0\0\0[1,2]", b"\xff" * 40])
def test_damaged_and_absent_weights_are_told(tmp_path, content):
    with pytest.raises(ModelError, match=r"holds no \*\.safetensors"):
        stored_values(tmp_path)
    (tmp_path / "x.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match=r"x\.safetensors cannot be read"):
        stored_values(tmp_path)
