"""SAM: a tiny random checkpoint, loaded from disk as users load theirs, compared with transformers' own way."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from transformers import SamConfig, SamModel, SamProcessor
from transformers.models.sam.image_processing_pil_sam import SamImageProcessorPil

from benchmarks.errors import ModelError
from benchmarks.geometry import decode, encode
from benchmarks.schema import Query, Region
from tasks.base import LoadOptions
from tasks.models.hf_promptable import MODELS

[FAMILY] = MODELS
PARTS = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("toy_parts.py"))))
WIDE, HIGH = 60, 44
BLOB = np.zeros((HIGH, WIDE), dtype=np.uint8, order="F")
BLOB[10:30, 20:41] = 1
LINE = ((5.0, 5.0), (45.0, 35.0))
MARKS = {
    "box": (Region("box", box_xyxy=(6.0, 8.0, 40.0, 30.5)), {"input_boxes": [[[6.0, 8.0, 40.0, 30.5]]]}, False),
    "point": (Region("point", points_xy=((12.5, 20.5),)), {"input_points": [[[12.0, 20.0]]]}, True),
    "points": (
        Region("point", points_xy=((12.5, 20.5), (40.5, 8.5))),
        {"input_points": [[[12.0, 20.0], [40.0, 8.0]]]},
        False,
    ),
    "scribble": (
        Region("scribble", points_xy=LINE),
        {"input_points": [np.linspace(LINE[0], LINE[1], 8).__sub__(0.5).tolist()]},
        False,
    ),
    "mask": (Region("mask", mask_rle=encode(BLOB)), {"input_boxes": [[[20.0, 10.0, 41.0, 30.0]]]}, False),
}
"""Visual prompt -> the same in the words of transformers (pixels from 0), and whether three masks are asked for."""


def sam():
    vision = {
        "hidden_size": 32, "output_channels": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "image_size": 64,
        "patch_size": 16, "global_attn_indexes": [1], "window_size": 2, "num_pos_feats": 8, "mlp_dim": 64,
        "initializer_range": 0.5,
    }  # fmt: skip
    config = SamConfig(
        vision_config=vision,
        prompt_encoder_config={"hidden_size": 16, "image_size": 64, "patch_size": 16, "mask_input_channels": 4},
        mask_decoder_config={
            "hidden_size": 16, "mlp_dim": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
            "iou_head_hidden_dim": 16, "iou_head_depth": 2,
        },
        initializer_range=0.5,
    )  # fmt: skip
    square = {"height": 64, "width": 64}
    return SamModel(config), SamImageProcessorPil(size={"longest_edge": 64}, pad_size=square)


SEED = 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return PARTS.save(tmp_path_factory.mktemp("sam") / "sam", sam, SEED)


@pytest.fixture
def images(tmp_path):
    return PARTS.noise(tmp_path, [(WIDE, HIGH), (HIGH, WIDE)])


def ask(image, *names):
    regions = tuple(MARKS[name][0] for name in names)
    return Query("/".join(names), image, "", "Segment it.", "mask", regions=regions)


def load(folder):
    return FAMILY.of_reference(str(folder)).load(LoadOptions())


def quarter(mask):
    """The mask prompt in SAM's frame, 16 pixels a side: the photo fills 16 x 12 of it."""
    inside = torch.nn.functional.interpolate(torch.from_numpy(mask).float()[None, None], size=(12, 16), mode="bilinear")
    scores = torch.full((1, 1, 16, 16), -10.0)
    scores[:, :, :12][inside >= 0.5] = 10.0
    return scores


@pytest.mark.parametrize("name", MARKS)
def test_masks_are_those_of_transformers_at_the_size_of_the_photo(folder, images, name):
    _, words, several = MARKS[name]
    processor = SamProcessor(SamImageProcessorPil.from_pretrained(folder))
    model = SamModel.from_pretrained(folder).eval()
    inputs = processor(images[0].open_rgb(), return_tensors="pt", **words)
    given = {key: value.float() for key, value in inputs.items() if key in ("input_points", "input_boxes")}
    if name == "mask":
        given["input_masks"] = quarter(BLOB)
    with torch.inference_mode():
        outputs = model(pixel_values=inputs["pixel_values"], multimask_output=several, **given)
        [prediction] = load(folder).predict([ask(images[0], name)])
    masks = processor.post_process_masks(outputs.pred_masks, inputs["original_sizes"], inputs["reshaped_input_sizes"])
    best = int(outputs.iou_scores[0, 0].argmax())
    assert masks[0].shape[1] == (3 if several else 1)
    [instance] = prediction.groups[0].instances
    assert instance.score == pytest.approx(float(outputs.iou_scores[0, 0, best]), abs=1e-5)
    expected = masks[0][0, best].numpy()
    assert 0 < expected.sum() < expected.size
    assert (decode(instance.mask_rle) == expected).all()


def test_a_batch_answers_as_its_questions_alone_do(folder, images):
    queries = [ask(images[0], "box"), ask(images[1], "point", "box"), ask(images[0], "mask")]
    model = load(folder)
    with torch.inference_mode():
        together = model.predict(queries)
        alone = [load(folder).predict([query])[0] for query in queries]
    assert together == alone
    assert [len(each.groups) for each in together] == [1, 2, 1]


def test_a_scribble_known_by_its_pixels_alone_is_spread_over_them(folder, images):
    drawn = np.zeros((HIGH, WIDE), dtype=np.uint8, order="F")
    drawn[20, 10:18] = 1
    scribble = Region("scribble", mask_rle=encode(drawn))
    pixels = Region("point", points_xy=tuple((x + 0.5, 20.5) for x in range(10, 18)))
    model = load(folder)
    with torch.inference_mode():
        first, second = (
            model.predict([Query("q", images[0], "", "", "mask", regions=(each,))])[0] for each in (scribble, pixels)
        )
    assert first == second


def test_words_alone_are_refused(folder, images):
    with pytest.raises(ModelError, match="needs a visual prompt"):
        load(folder).predict([ask(images[0])])


def test_it_runs_a_task_from_its_folder(refbench, small_world, folder):
    words = ("--model", f"hf-promptable:{folder}", "--data-root", small_world, "--limit", 2, "--json")
    rows = refbench("eval", "--task", "coco_interactive", *words).json["rows"]
    assert {(row["model"], row["n"], row["failed"]) for row in rows} == {("hf-promptable:sam", 2, 0)}
    [card] = refbench("models", "hf-promptable:sam-huge", "--json").json
    assert card["visual_prompts"]
    assert card["licence"] == "Apache-2.0"
