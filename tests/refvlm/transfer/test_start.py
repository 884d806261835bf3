"""Stages of a transfer at a size of a few thousand weights: what each takes over, what learns, and the whole chain."""

from pathlib import Path

import pytest
import torch
import yaml

from benchmarks.errors import ConfigError
from refvlm import checkpoint
from refvlm.predictor import BUNDLED as BUNDLED_FOLDER
from refvlm.training.batches import View, build
from refvlm.training.cells import KINDS
from refvlm.training.config import TrainConfig, load_config
from refvlm.training.pictures import Frame
from refvlm.training.trainer import Trainer
from refvlm.transfer.converter import caption_words, converter
from refvlm.transfer.reading import told, word_ids

STAGES = Path(__file__).parents[3] / "configs" / "train" / "vpgtrans"
SMALL = {
    "trunk": {"stem_width": 8, "widths": [8, 8, 16, 16]},
    "encoder": {"width": 16, "layers": 1, "heads": 2, "mlp_width": 32},
    "decoder": {"width": 16, "layers": 1, "heads": 2, "mlp_width": 32, "pixel_width": 8},
}
SOURCE = SMALL | {"llm": {"width": 16, "layers": 1, "heads": 2, "mlp_width": 24}}
TARGET = SMALL | {"llm": {"width": 24, "layers": 2, "heads": 2, "mlp_width": 32}}
TEXT_ONLY = dict.fromkeys(("box", "mask", "heat", "cells", "quality", "joints", "depth"), 0.0)


def trainer(model, transfer=None, **sections):
    content = {"model": model, "optim": {"steps": 4, "warmup_steps": 0, "precision": "fp32", "ema": 0.0}}
    data = {"shapes": {"ask": 0.5, "caption": 0.5}, "images_per_step": 2}
    return Trainer(TrainConfig.model_validate(
        content | {"data": data, "loss": TEXT_ONLY, "transfer": transfer or {}} | sections
    ))  # fmt: skip


def save(made, folder):
    checkpoint.save(folder, made.model, made.tokenizer, made.model.state_dict(), torch.float32)
    return str(folder)


def batch(made):
    return build([0, 1], False, made.tokenizer, made.config.data, 1, View(frame=Frame.of(made.config.model)))


@pytest.fixture
def folders(tmp_path):
    """A source pair and a target language model with another order of its words."""
    source = trainer(SOURCE, seed=1)
    target = trainer(TARGET, {"read_words": True, "word_order": 7}, train=["llm"], seed=2)
    return {"source": save(source, tmp_path / "source"), "target": save(target, tmp_path / "target")}


def test_another_order_of_words_is_the_same_vocabulary():
    plain, mixed = trainer(SOURCE).tokenizer, trainer(SOURCE, {"word_order": 7}).tokenizer
    assert set(plain.tokens) == set(mixed.tokens)
    assert plain.tokens != mixed.tokens
    assert mixed.decode(mixed.encode("a red circle")) == plain.decode(plain.encode("a red circle"))


def test_a_converted_start_has_the_target_s_words_and_language_model_and_the_source_s_eyes(folders):
    given = {"llm": folders["target"], "generator": folders["source"], "projector": "converted"}
    made = trainer(TARGET, given, train=["projector"])
    source, words = checkpoint.load(Path(folders["source"]))
    target, theirs = checkpoint.load(Path(folders["target"]))
    assert made.tokenizer.tokens == theirs.tokens
    for name, value in target.llm.state_dict().items():
        assert torch.equal(made.model.llm.state_dict()[name], value)
    pixels = torch.randn(1, 3, 128, 128)
    map_ = converter(*(x for m, t in ((source, words), (target, theirs)) for x in (m.llm.model.embed_tokens.weight, t)),
                     caption_words())  # fmt: skip
    with torch.no_grad():
        said, heard = source.vision(pixels).tokens, made.model.eval().vision(pixels).tokens
        # the target hears what the source's model would have heard, converted; up to float32 rounding
        torch.testing.assert_close(heard, map_(said), rtol=1e-4, atol=1e-5)


def test_a_fresh_projector_takes_everything_else_over(folders):
    made = trainer(TARGET, {"llm": folders["target"], "generator": folders["source"]}, train=["projector"])
    source = checkpoint.load(Path(folders["source"]))[0].vision.state_dict()
    own = made.model.vision.state_dict()
    assert all(torch.equal(own[name], value) for name, value in source.items() if not name.startswith("projector"))
    assert own["projector.0.weight"].shape == (24, 16)


def test_words_as_images_are_sums_of_what_lies_there():
    made = trainer(SOURCE, {"read_words": True}, train=["llm"])
    one = batch(made)
    tokens = told(made.model, word_ids(made.tokenizer), one.cells).reshape(2, 8, 8, -1)
    table = made.model.llm.model.embed_tokens.weight
    row, column = (one.cells[0, 0] > 0).nonzero()[0].tolist()
    block = one.cells[0, :, row // 2 * 2 : row // 2 * 2 + 2, column // 2 * 2 : column // 2 * 2 + 2].flatten(1).T
    wanted = sum(
        table[made.tokenizer.ids[KINDS[kind][value - 1]]]
        for cell in block.tolist() for kind, value in enumerate(cell) if value > 0
    ) / 4  # fmt: skip
    torch.testing.assert_close(tokens[0, row // 2, column // 2], wanted)
    empty = (one.cells[0].clamp(min=0).reshape(5, 8, 2, 8, 2).sum((0, 2, 4)) == 0).nonzero()[0].tolist()
    assert not tokens[0, empty[0], empty[1]].any()


def test_reading_teaches_the_language_model_alone_and_looks_at_no_pixel():
    made = trainer(SOURCE, {"read_words": True}, train=["llm"])
    before = {name: value.clone() for name, value in made.model.state_dict().items()}
    one = batch(made)
    one.pixels.fill_(float("nan"))
    first = made.learn(one)["text"]
    assert made.learn(one)["text"] < first
    moved = {
        name.split(".")[0] for name, value in made.model.state_dict().items() if not torch.equal(value, before[name])
    }
    assert moved == {"llm"}


def test_in_the_warm_up_the_projector_alone_learns(folders):
    made = trainer(TARGET, {"llm": folders["target"], "generator": folders["source"]}, train=["projector"])
    before = {name: value.clone() for name, value in made.model.state_dict().items()}
    made.learn(batch(made))
    moved = {name for name, value in made.model.state_dict().items() if not torch.equal(value, before[name])}
    assert moved
    assert all(name.startswith("vision.projector.") for name in moved)


@pytest.mark.parametrize(
    ("model", "changes", "said"),
    [
        (SOURCE, {}, "the language model of .* adapt the sizes"),
        (TARGET | {"encoder": {"width": 32, "layers": 1, "heads": 2, "mlp_width": 32}}, {}, "the vision part of"),
        (TARGET, {"llm": "nowhere"}, "transfer.llm: nowhere is not there"),
        (TARGET, {"generator": "nowhere"}, "transfer.generator: nowhere is not there"),
    ],
)
def test_what_does_not_fit_is_said(folders, model, changes, said):
    given = {"llm": folders["target"], "generator": folders["source"]} | changes
    with pytest.raises(ConfigError, match=said):
        trainer(model, given)


def test_the_bundled_model_gives_its_language_model_and_its_words():
    bundled, words = checkpoint.load(BUNDLED_FOLDER)
    sizes = {"llm": bundled.config.llm.model_dump()}
    made = trainer(sizes, {"llm": "bundled", "generator": "bundled", "projector": "converted"}, train=["projector"])
    assert made.tokenizer.tokens == words.tokens
    for name, value in bundled.llm.state_dict().items():
        assert torch.equal(made.model.llm.state_dict()[name], value)
    pixels = torch.randn(1, 3, 128, 128)
    with torch.no_grad():
        heard, said = made.model.eval().vision(pixels).tokens, bundled.vision(pixels).tokens
    # from a language model to itself a word is itself, but directions that no word of captions has are passed over
    assert torch.nn.functional.cosine_similarity(heard, said, dim=-1).mean() > 0.5


def test_the_stages_fit_together():
    found = {path.stem: load_config(path) for path in sorted(STAGES.glob("*.yaml"))}
    assert set(found) == {"llm_source", "source", "warm_up", "warm_up_fresh", "transfer", "direct"}
    sizes = {name: config.model.llm for name, config in found.items()}
    assert sizes["llm_source"] == sizes["source"]
    bundled = checkpoint.load(BUNDLED_FOLDER)[0].config.llm
    for name in ("warm_up", "warm_up_fresh", "transfer", "direct"):
        assert all(
            getattr(sizes[name], key) == getattr(bundled, key) for key in ("width", "layers", "heads", "mlp_width")
        )
    for key in ("width", "layers"):
        assert getattr(sizes["source"], key) < getattr(sizes["warm_up"], key)
    assert found["warm_up"].optim.lr == 5 * found["transfer"].optim.lr == 5 * found["direct"].optim.lr
    assert found["warm_up"].optim.steps + found["transfer"].optim.steps == found["direct"].optim.steps
    evaluated = [config for config in found.values() if config.evaluate.wanted]
    assert len(evaluated) == 5
    assert all(config.model.regions is not None for config in evaluated)  # else text is no answer of theirs
    with_and_without = [yaml.safe_load((STAGES / f"{n}.yaml").read_text()) for n in ("warm_up", "warm_up_fresh")]
    assert with_and_without[0]["transfer"].pop("projector") == "converted"
    assert with_and_without[0] == with_and_without[1]
