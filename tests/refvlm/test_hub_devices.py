"""A model that is spread over memory and disk answers as one that is not."""

from dataclasses import dataclass

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from benchmarks.schema import Region
from refvlm.config import DecoderConfig, DepthConfig, KeypointConfig, RegionConfig
from refvlm.hub import RefVLMForConditionalGeneration, RefVLMPretrainedConfig
from refvlm.hub_devices import moved, place, travel
from refvlm.hub_processor import RefVLMProcessor

META, CPU = torch.device("meta"), torch.device("cpu")


@dataclass(frozen=True)
class Pair:
    first: Tensor
    rest: list[Tensor]
    name: str


@pytest.fixture
def model(nano_config):
    torch.manual_seed(3)
    parts = {
        "keypoint": KeypointConfig(cells=4, width=8),
        "depth": DepthConfig(bins=4),
        "regions": RegionConfig(),
        "decoder": DecoderConfig(**nano_config.decoder.model_dump() | {"quality": True}),
    }
    sizes = nano_config.model_copy(update=parts)
    return RefVLMForConditionalGeneration(RefVLMPretrainedConfig.of(sizes)).eval()


@pytest.fixture
def folder(model, tmp_path):
    model.save_pretrained(tmp_path / "weights", max_shard_size="20KB")
    return tmp_path / "weights"


def answers(model, tokenizer):
    processor = RefVLMProcessor(tokenizer, model.core.config)
    pictures = [Image.new("RGB", (64, 48), (200, 30, 30))]
    marked = [[], [Region("box", box_xyxy=(2.0, 3.0, 20.0, 30.0))]]
    inputs = processor(pictures, ["Where is it?", "Segment that."], unit=["box", "mask"], regions=marked)
    said = model.generate(**inputs, tokenizer=tokenizer, do_sample=True, seed=2, num_return_sequences=3)
    read = processor.post_process(said, inputs)
    assert any(each.groups for each in read)  # decoders are asked
    return [(each.text, each.groups, each.depth is None) for each in read]


def spread(model, **elsewhere):
    """A device map of all parts."""
    return {name: elsewhere.get(name, "cpu") for name, _ in model.named_children()}


@pytest.mark.parametrize("on_disk", [("llm",), ("vision", "query_trunk"), ("region_encoder", "pixel_decoder", "llm")])
def test_parts_on_disk_change_no_answer(model, folder, tokenizer, tmp_path, on_disk):
    places = spread(model, **dict.fromkeys(on_disk, "disk"))
    put = RefVLMForConditionalGeneration.from_pretrained(folder, device_map=places, offload_folder=tmp_path / "off")
    held = dict(put.named_parameters())
    away = {name.split(".")[0] for name, value in held.items() if value.is_meta}
    assert away == set(on_disk)
    assert put.core.device == CPU
    assert answers(put, tokenizer) == answers(model, tokenizer)


def test_a_map_that_accelerate_makes_for_too_little_memory_works(model, folder, tokenizer, tmp_path):
    options = {"max_memory": {"cpu": "60KB"}, "offload_folder": tmp_path / "off", "device_map": "auto"}
    put = RefVLMForConditionalGeneration.from_pretrained(folder, **options)
    assert "disk" in put.hf_device_map.values()
    assert answers(put, tokenizer) == answers(model, tokenizer)


def test_tensors_travel_wherever_they_are():
    pair = Pair(torch.zeros(2), [torch.ones(1)], "pair")
    (there, again), more = moved(((pair, 3), {"x": torch.zeros(1)}), META)
    assert (there[0] if isinstance(there, tuple) else there).first.device == META
    assert again == 3
    assert there.rest[0].device == META
    assert there.name == "pair"
    assert more["x"].device == META


class Doubling(nn.Module):
    """Says where its argument is."""

    def forward(self, pair, factor):
        self.seen = (pair.first.device, factor.device)
        return Pair(pair.first * factor, pair.rest, pair.name)


def test_arguments_are_brought_to_a_part_and_results_home():
    part = Doubling()
    travel(part, META, META)
    out = part(Pair(torch.zeros(2), [], ""), factor=torch.ones(2))
    assert part.seen == (META, META)
    home = Doubling()
    travel(home, CPU, META)
    out = home(Pair(torch.zeros(2), [], ""), factor=torch.ones(2))
    assert home.seen == (CPU, CPU)
    assert out.first.device == META
    assert place(nn.Linear(2, 2)) == CPU
