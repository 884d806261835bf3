"""VT-PLUG as a preset: its own grammar in questions and answers, loaded and run as any other checkpoint."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from benchmarks.errors import ModelError
from benchmarks.schema import ImageRef, Query, Region
from refvlm import checkpoint
from refvlm.config import (
    DecoderConfig,
    DepthConfig,
    EncoderConfig,
    KeypointConfig,
    LlmConfig,
    RefVLMConfig,
    TrunkConfig,
)
from refvlm.convert.rules import PARTS
from refvlm.model import RefVLM
from refvlm.predictor import BUNDLED
from refvlm.presets import preset
from refvlm.training.config import load_config
from refvlm.training.vocabulary import build_tokenizer
from tasks.base import LoadOptions
from tasks.models import vt_plug

STAGES = sorted((Path(__file__).parents[3] / "configs" / "train" / "vt_plug").glob("*.yaml"))


def write(folder):
    """Write a tiny random checkpoint of the preset's grammar and design."""
    words = build_tokenizer("vd_cot")
    small = preset("vt_plug_tiny", len(words))
    width = {"width": 16, "layers": 1, "heads": 2, "mlp_width": 32, "pixel_width": 8, "window": 3, "head_width": 16}
    sizes = RefVLMConfig(
        **small.model_dump(exclude={"trunk", "encoder", "llm", "decoder", "keypoint", "depth", "max_new_tokens"}),
        trunk=TrunkConfig(stem_width=8, widths=(8, 8, 16, 16)),
        encoder=EncoderConfig(width=16, layers=1, heads=2, mlp_width=32),
        llm=LlmConfig(width=32, layers=2, heads=2, mlp_width=48),
        decoder=DecoderConfig(**small.decoder.model_dump() | width),
        keypoint=KeypointConfig(cells=4, width=8),
        depth=DepthConfig(bins=4),
        max_new_tokens=90,
    )
    torch.manual_seed(0)
    model = RefVLM(sizes).eval()
    checkpoint.save(folder, model, words, model.state_dict(), torch.float32)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """See `write`."""
    return write(tmp_path_factory.mktemp("vt_plug"))


@pytest.fixture
def queries(tmp_path):
    """Three questions about two pictures, one with a visual prompt."""
    out = []
    for number, size in enumerate(((90, 128), (128, 60), (128, 60))):
        path = tmp_path / f"{size[0]}.png"
        Image.new("RGB", (size[1], size[0]), (40 * number, 90, 10)).save(path)
        out.append(Query(str(number), ImageRef(path, size), "", "Segment the star.", "mask"))
    return [*out[:2], replace(out[2], regions=(Region("box", box_xyxy=(2.0, 3.0, 20.0, 30.0)),))]


def test_the_question_is_put_in_vd_cot(folder, queries):
    answers = vt_plug.load(LoadOptions(weights=folder)).predict(queries)
    assert answers[0].prompt == (
        "A task command comes first. Answer with sentence, phrase or unit, as it says.\n"
        "task: segmentation\nelements: phrase, unit\nunit: <Unit>mask</Unit>\n"
        "user: Segment the star.\nassistant:"
    )
    assert answers[2].prompt.splitlines()[-2] == "user: Segment the star. <region>"
    assert {answer.status for answer in answers} == {"ok"}


def test_a_batch_answers_as_its_questions_alone_do(folder, queries):
    model = vt_plug.load(LoadOptions(weights=folder))
    together = model.predict(queries)
    alone = [answer for query in queries for answer in model.predict([query])]
    assert [each.text for each in together] == [each.text for each in alone]
    for one, other in zip(together, alone, strict=True):
        assert len(one.groups) == len(other.groups)
        for mine, theirs in zip(one.groups, other.groups, strict=True):
            assert (mine.phrase, mine.unit) == (theirs.phrase, theirs.unit)


def test_it_runs_a_task_from_its_folder(refbench, small_world, folder):
    words = ("--model", "vt-plug", "--weights", folder, "--data-root", small_world, "--limit", 2, "--split", "val")
    [row] = refbench("eval", "--task", "refcocog_rec", *words, "--json").json["rows"]
    assert (row["model"], row["n"], row["unparsable"], row["failed"]) == ("vt-plug", 2, 0, 0)


def test_weights_of_nobody_and_of_another_grammar_are_refused(refbench, small_world):
    with pytest.raises(ModelError, match=r"no weights of VT-PLUG were ever released: train one"):
        vt_plug.load(LoadOptions())
    with pytest.raises(ModelError, match="checkpoint of grammar trp: use --model refvlm"):
        vt_plug.of_weights(BUNDLED)
    outcome = refbench("eval", "--task", "refcocog_rec", "--model", "vt-plug", "--data-root", small_world)
    assert outcome.code == 2
    assert "no weights of VT-PLUG" in outcome.err


def test_the_parts_that_a_conversion_fills_are_those_of_7b():
    with torch.device("meta"):
        ours, theirs = (
            {name: tuple(value.shape) for name, value in RefVLM(preset(name)).state_dict().items()}
            for name in ("vt_plug", "7b")
        )
    for pattern in PARTS.values():
        keep = re.compile(pattern)
        assert {n: s for n, s in ours.items() if keep.fullmatch(n)} == {
            n: s for n, s in theirs.items() if keep.fullmatch(n)
        }


@pytest.mark.parametrize("path", STAGES, ids=lambda path: path.stem)
def test_stages_train_the_preset(path):
    config = load_config(path)
    assert config.model.grammar == "vd_cot"
    assert config.model.model_dump() == preset("vt_plug").model_dump(exclude={"vocab_size"})
    number = int(path.stem.removeprefix("stage"))
    before = f"checkpoints/vt_plug-stage{number - 1}" if number > 1 else "checkpoints/vt_plug-converted"
    assert config.start_from == before


def test_it_shows_what_it_needs_and_claims_no_number(refbench):
    [card] = refbench("models", "vt-plug", "--json").json
    assert card["published"] == []
    assert "no released weights" in card["note"]
    assert {each["name"].split("/")[0] for each in card["needs"]} == {"openai", "laion", "lmsys"}
    assert card["sizes"][0]["what"] == "vt_plug"
    with torch.device("meta"):
        model = RefVLM(preset("vt_plug"))
    assert card["sizes"][0]["values"] == sum(value.numel() for value in model.parameters())
