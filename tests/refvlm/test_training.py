"""Training: packed turns equal separate ones, every weight learns, and a resumed run is the same run."""

import json
import signal

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import save_file

from benchmarks.errors import ConfigError
from benchmarks.world.dense import generate_dense
from benchmarks.world.scenes import generate
from refvlm import checkpoint
from refvlm.training.batches import build
from refvlm.training.config import DataConfig, LossConfig, OptimConfig, load_config
from refvlm.training.question import Draw
from refvlm.training.questions import DENSE_MAKERS, SHAPES_MAKERS
from refvlm.training.step import losses_of
from refvlm.training.train import train
from refvlm.training.trainer import Trainer, schedule
from refvlm.training.vocabulary import build_tokenizer
from refvlm.training.warm import start_from
from refvlm.trp import answer_for, parse, render

NANO = {
    "model": {
        "trunk": {"stem_width": 8, "widths": [8, 8, 16, 16]},
        "encoder": {"width": 16, "layers": 1, "heads": 2, "mlp_width": 32},
        "llm": {"width": 32, "layers": 1, "heads": 2, "mlp_width": 48},
        "decoder": {"width": 16, "layers": 1, "heads": 2, "mlp_width": 32, "pixel_width": 8},
    },
    "data": {"images_per_step": 2, "questions_per_image": 3},
    "optim": {"steps": 6, "warmup_steps": 2, "bf16": False},
    "log_every": 1,
    "save_every": 3,
}
SHAPES = {"refer": 0.3, "refer_many": 0.3, "exists": 0.1, "ask": 0.1, "choose": 0.1, "caption": 0.1}
DENSE = dict.fromkeys(DENSE_MAKERS, 1.0)
EVERYTHING = {
    "model": {**NANO["model"], "keypoint": {"cells": 12, "width": 8}, "depth": {"bins": 4}, "regions": {}},
    "data": {"images_per_step": 6, "questions_per_image": 6, "shapes": SHAPES, "dense": DENSE},
}


@pytest.fixture
def config_path(tmp_path):
    path = tmp_path / "nano.yaml"
    path.write_text(yaml.safe_dump(NANO))
    return path


@pytest.fixture
def trainer(config_path):
    return Trainer(load_config(config_path))


@pytest.fixture
def complete(config_path):
    """A trainer of a model with every part, on every kind of question."""
    decoder = {**NANO["model"]["decoder"], "quality": True}
    content = NANO | EVERYTHING | {"model": {**EVERYTHING["model"], "decoder": decoder}}
    config_path.write_text(yaml.safe_dump(content))
    return Trainer(load_config(config_path))


def test_a_resumed_run_ends_with_the_same_weights(config_path, tmp_path):
    train(config_path, tmp_path / "whole")
    train(config_path, tmp_path / "parts", max_minutes=0.0)
    assert json.loads((tmp_path / "parts" / "train_log.jsonl").read_text().splitlines()[-1])["step"] == 1
    train(config_path, tmp_path / "parts", resume=True)
    whole, parts = (checkpoint.load(tmp_path / name)[0].state_dict() for name in ("whole", "parts"))
    assert all(torch.equal(value, parts[name]) for name, value in whole.items())
    assert losses_logged(tmp_path / "parts") == losses_logged(tmp_path / "whole")
    learnt, again = (checkpoint.load(tmp_path / name)[0].habits for name in ("whole", "parts"))
    assert learnt.next and learnt == again


def losses_logged(folder):
    """All log lines without their times."""
    return [json.loads(line) | {"seconds": 0} for line in (folder / "train_log.jsonl").read_text().splitlines()]


def test_steps_that_were_logged_but_not_saved_stand_in_the_log_once(config_path, tmp_path):
    train(config_path, tmp_path / "run", max_minutes=0.0)
    log = tmp_path / "run" / "train_log.jsonl"
    log.write_text(log.read_text() + '{"step": 2, "seconds": 1.0}\n')
    train(config_path, tmp_path / "run", resume=True)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert [line["seconds"] for line in lines] == sorted(line["seconds"] for line in lines)


def test_ctrl_c_ends_the_step_saves_and_stops(config_path, tmp_path, monkeypatch):
    learn = Trainer.learn

    def interrupted(self, batch):
        if self.step == 1:
            signal.raise_signal(signal.SIGINT)
        return learn(self, batch)

    train(config_path, tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "learn", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(config_path, tmp_path / "run")
    assert torch.load(tmp_path / "run" / "training_state.pt", weights_only=True)["step"] == 2
    train(config_path, tmp_path / "run", resume=True)
    assert losses_logged(tmp_path / "run") == losses_logged(tmp_path / "whole")


def test_a_started_run_is_not_overwritten_and_another_configuration_does_not_resume_it(config_path, tmp_path):
    train(config_path, tmp_path / "run", max_minutes=0.0)
    with pytest.raises(ConfigError, match="--resume"):
        train(config_path, tmp_path / "run")
    config_path.write_text(yaml.safe_dump(NANO | {"seed": 5}))
    with pytest.raises(ConfigError, match="another configuration"):
        train(config_path, tmp_path / "run", resume=True)


def test_turns_that_share_an_image_have_the_states_of_whole_sequences(trainer):
    batch = build([0, 1], False, trainer.tokenizer, trainer.config.data)
    model = trainer.model.eval()
    with torch.inference_mode():
        features = model.vision(batch.pixels)
        shared = model.states(model.read_images(features.tokens), batch.image, model.embed(batch.ids))
        for row, length in enumerate(batch.lengths.tolist()):
            words = model.embed(batch.ids[row : row + 1, :length])
            alone = torch.cat([features.tokens[batch.image[row]][None], words], 1)
            states = model.llm.model(inputs_embeds=alone, use_cache=False).last_hidden_state[0, -length:]
            # float32 attention over rows of different lengths: rounding of sums.
            torch.testing.assert_close(states, shared[row, :length], atol=1e-5, rtol=1e-4)


def test_every_weight_gets_a_gradient(trainer):
    batch = build([0, 1, 2, 3], False, trainer.tokenizer, trainer.config.data)
    trainer.learn(batch)  # the last layers of some heads start at zero and block those before them for one step
    trainer.optimizer.zero_grad(set_to_none=True)
    losses_of(trainer.model, trainer.heads, batch, LossConfig())["total"].backward()
    idle = {name for name, value in trainer.model.named_parameters() if value.grad is None or not value.grad.any()}
    # With one instance per triplet, attention among instances has a single key: its weights cannot matter.
    assert {name for name in idle if ".peers." not in name} == set()


def test_every_part_learns_from_its_own_kind_of_question(complete):
    batch = build(list(range(12)), False, complete.tokenizer, complete.config.data, complete.config.region_tokens)
    complete.learn(batch)
    complete.optimizer.zero_grad(set_to_none=True)
    losses = losses_of(complete.model, complete.heads, batch, LossConfig())
    assert set(losses) == {"text", "cells", "box", "mask", "heat", "quality", "joints", "depth", "total"}
    losses["total"].backward()
    idle = {name for name, value in complete.model.named_parameters() if value.grad is None or not value.grad.any()}
    assert idle == set()


def test_one_batch_of_everything_can_be_learnt(complete):
    config = complete.config.model_copy(
        update={"optim": OptimConfig(steps=120, warmup_steps=5, bf16=False, lr=1e-2, llm_lr=1e-2)}
    )
    trainer = Trainer(config)
    batch = build([3, 4], False, trainer.tokenizer, config.data, trainer.config.region_tokens)
    first = trainer.learn(batch)
    for _ in range(99):
        last = trainer.learn(batch)
    assert {name: last[name] < 0.8 * first[name] for name in first} == dict.fromkeys(first, True)


@pytest.mark.parametrize("name", [*SHAPES_MAKERS, *DENSE_MAKERS])
def test_every_question_has_an_answer_of_the_grammar_and_a_truth_for_every_instance(name):
    draw = Draw(np.random.default_rng(1), (0.25, 0.25, 0.25, 0.25))
    made = 0
    for index in range(8):
        scene = generate(2, "train", index) if name in SHAPES_MAKERS else generate_dense(2, "train", index)
        question = {**SHAPES_MAKERS, **DENSE_MAKERS}[name](scene, draw)
        if question is None:
            continue
        made += 1
        answer = parse(render(answer_for(question.body)))
        assert answer.ok
        assert answer.plan_agrees
        assert sum(part.count for part in answer.triplets) == len(question.refs)
        assert all(ref.mask is None or ref.mask.any() for ref in question.refs)
        assert all(drawn.mask.shape == (128, 128) and drawn.mask.any() for drawn in question.regions)
    assert made


def test_no_word_of_a_question_or_answer_is_unknown():
    tokenizer = build_tokenizer()
    data = DataConfig(shapes=SHAPES, dense=DENSE, questions_per_image=8, images_per_step=40)
    batch = build(list(range(40)), False, tokenizer, data)
    missing = (batch.ids == tokenizer.ids["⁇"]).nonzero()
    assert [tokenizer.decode(batch.ids[row].tolist()) for row, _ in missing.tolist()] == []


def test_some_questions_come_without_a_command(trainer):
    shares = {}
    for share in (0.0, 0.5, 1.0):
        data = DataConfig(images_per_step=12, questions_per_image=4, instruction_share=share)
        batch = build(list(range(12)), False, trainer.tokenizer, data)
        first = batch.ids[:, 0].tolist()
        shares[share] = sum(i == trainer.tokenizer.ids["user"] for i in first) / len(first)
    assert (shares[0.0], shares[1.0]) == (0.0, 1.0)
    assert 0.25 < shares[0.5] < 0.75  # 48 draws: four standard deviations


def test_a_stage_may_start_from_converted_weights(tmp_path, complete):
    converted = {name: value + 1 for name, value in complete.model.state_dict().items() if name.startswith("vision.")}
    save_file(converted, tmp_path / "model.safetensors")
    (tmp_path / "conversion.json").write_text("{}")
    fresh = start_from(complete.model, complete.tokenizer, tmp_path)
    assert not [name for name in fresh if name.startswith("vision.")]
    assert torch.equal(complete.model.state_dict()["vision.positions"], converted["vision.positions"])


def test_a_later_stage_starts_with_the_weights_and_words_of_an_earlier_one(config_path, tmp_path, complete):
    config_path.write_text(yaml.safe_dump(NANO))
    train(config_path, tmp_path / "first")
    before, words = checkpoint.load(tmp_path / "first")
    fresh = start_from(complete.model, complete.tokenizer, tmp_path / "first")
    after = complete.model.state_dict()
    table = "llm.model.embed_tokens.weight"
    kept = {name: value for name, value in before.state_dict().items() if name not in (table, "llm.lm_head.weight")}
    assert all(torch.equal(after[name], value) for name, value in kept.items())
    for word in ("red", "<REF>", "detection"):
        row, old = complete.tokenizer.ids[word], words.ids[word]
        assert torch.equal(after[table][row], before.state_dict()[table][old])
    assert {name.split(".")[0] for name in fresh if not name.startswith("word")} == {
        "quality", "keypoint_decoder", "depth_decoder", "region_encoder",
    }  # fmt: skip
    config_path.write_text(yaml.safe_dump({**NANO, "model": {}, "start_from": str(tmp_path / "first")}))
    with pytest.raises(ConfigError, match="adapt the sizes"):
        Trainer(load_config(config_path))


def test_one_batch_can_be_learnt(config_path):
    config = load_config(config_path)
    config = config.model_copy(
        update={"optim": OptimConfig(steps=120, warmup_steps=5, bf16=False, lr=1e-2, llm_lr=1e-2)}
    )
    trainer = Trainer(config)
    batch = build([0], False, trainer.tokenizer, config.data)
    first = trainer.learn(batch)
    for _ in range(99):
        last = trainer.learn(batch)
    assert last["text"] < 0.2 * first["text"]
    assert last["box"] < 0.5 * first["box"]
    assert last["mask"] < 0.7 * first["mask"]


def test_batches_depend_on_their_indices_alone_and_hold_tight_boxes(trainer):
    data = DataConfig(images_per_step=2)
    first, second = (build([7, 9], False, trainer.tokenizer, data) for _ in range(2))
    assert torch.equal(first.ids, second.ids)
    assert torch.equal(first.pixels, second.pixels)
    side = first.masks.shape[-1]
    for box, mask in zip(first.boxes, first.masks, strict=True):
        columns = mask.any(0).nonzero()
        # Masks here are averaged over two pixels: a box edge is known to one such cell.
        assert abs(float(box[0] - box[2] / 2) * side - float(columns[0])) <= 1
        assert abs(float(box[0] + box[2] / 2) * side - float(columns[-1] + 1)) <= 1


def test_the_learning_rate_warms_up_and_falls_to_zero():
    optim = OptimConfig(steps=100, warmup_steps=10)
    rates = [schedule(step, optim) for step in range(101)]
    assert rates[9] == 1.0 == max(rates)
    assert rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[100] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("optim: {steps: 5, lrr: 1}", "no key of optim is called 'lrr'; did you mean lr"),
        ("{optim: {steps: 5}, sed: 1}", "no key is called 'sed'; did you mean seed"),
        ("{optim: {steps: 5}, model: {llm: {heads: 7}}}", "model.llm: width 192 does not split into 7 heads"),
        ("{optim: {steps: 5}, data: {dense: {detekt: 1}}}", "'detekt'; did you mean detect"),
        ("optim: [", "YAML"),
        ("seed: 1", "optim"),
        ("optim: {steps: many}", "steps"),
    ],
)
def test_a_wrong_training_file_is_one_clear_error(tmp_path, text, words):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words):
        load_config(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "none.yaml")


def test_a_run_may_end_before_its_schedule_does(config_path, tmp_path):
    whole, ended = tmp_path / "whole", tmp_path / "ended"
    train(config_path, whole)
    content = yaml.safe_load(config_path.read_text())
    content["optim"]["last_step"] = content["optim"]["steps"] - 1
    short = tmp_path / "short.yaml"
    short.write_text(yaml.safe_dump(content))
    train(short, ended)
    assert losses_logged(ended) == losses_logged(whole)[:-1]
