"""Training: packed turns equal separate ones, every weight learns, and a resumed run is the same run."""

import json
import signal

import pytest
import torch
import yaml

from benchmarks.errors import ConfigError, ModelError
from refvlm import checkpoint
from refvlm.training.batches import build
from refvlm.training.config import DataConfig, LossConfig, OptimConfig, load_config
from refvlm.training.step import losses_of, packed_attention
from refvlm.training.train import Trainer, schedule, train

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
SHARES = (0.25, 0.25, 0.25, 0.25)


@pytest.fixture
def config_path(tmp_path):
    path = tmp_path / "nano.yaml"
    path.write_text(yaml.safe_dump(NANO))
    return path


@pytest.fixture
def trainer(config_path):
    return Trainer(load_config(config_path))


def test_a_resumed_run_ends_with_the_same_weights(config_path, tmp_path):
    train(config_path, tmp_path / "whole")
    train(config_path, tmp_path / "parts", max_minutes=0.0)
    assert json.loads((tmp_path / "parts" / "train_log.jsonl").read_text().splitlines()[-1])["step"] == 1
    train(config_path, tmp_path / "parts", resume=True)
    whole, parts = (checkpoint.load(tmp_path / name)[0].state_dict() for name in ("whole", "parts"))
    assert all(torch.equal(value, parts[name]) for name, value in whole.items())
    assert losses_logged(tmp_path / "parts") == losses_logged(tmp_path / "whole")


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


def test_packed_turns_have_the_states_of_separate_ones(trainer):
    batch = build([0, 1], SHARES, trainer.tokenizer, trainer.config.data)
    model = trainer.model.eval()
    with torch.inference_mode():
        features = model.vision(batch.pixels)
        count = features.tokens.shape[1]
        positions = torch.cat([torch.arange(count).expand(2, -1), batch.place + count], 1)
        embedded = torch.cat([features.tokens, model.embed(batch.ids)], 1)
        packed = model.states(embedded, packed_attention(batch.turn, count), positions)[:, count:]
        for turn in range(3):
            chosen = batch.turn[0] == turn
            alone = torch.cat([features.tokens[:1], model.embed(batch.ids[:1, chosen])], 1)
            attention = packed_attention(torch.zeros(1, int(chosen.sum()), dtype=torch.long), count)
            states = model.states(alone, attention, torch.arange(alone.shape[1])[None])[:, count:]
            # float32 attention over rows of different lengths: rounding of sums.
            torch.testing.assert_close(states[0], packed[0, chosen], atol=1e-5, rtol=1e-4)


def test_every_weight_gets_a_gradient(trainer):
    batch = build([0, 1, 2, 3], SHARES, trainer.tokenizer, trainer.config.data)
    trainer.learn(batch)  # the last layers of some heads start at zero and block those before them for one step
    trainer.optimizer.zero_grad(set_to_none=True)
    losses_of(trainer.model, trainer.heads, batch, LossConfig())["total"].backward()
    idle = {name for name, value in trainer.model.named_parameters() if value.grad is None or not value.grad.any()}
    # With one instance per triplet, attention among instances has a single key: its weights cannot matter.
    assert {name for name in idle if ".peers." not in name} == set()


def test_one_batch_can_be_learnt(config_path):
    config = load_config(config_path)
    config = config.model_copy(
        update={"optim": OptimConfig(steps=120, warmup_steps=5, bf16=False, lr=1e-2, llm_lr=1e-2)}
    )
    trainer = Trainer(config)
    batch = build([0], SHARES, trainer.tokenizer, config.data)
    first = trainer.learn(batch)
    for _ in range(99):
        last = trainer.learn(batch)
    assert last["text"] < 0.2 * first["text"]
    assert last["box"] < 0.5 * first["box"]
    assert last["mask"] < 0.7 * first["mask"]


def test_batches_depend_on_their_indices_alone_and_hold_tight_boxes(trainer):
    data = DataConfig(images_per_step=2)
    first, second = (build([7, 9], SHARES, trainer.tokenizer, data) for _ in range(2))
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


def test_a_loss_that_is_not_finite_names_the_scenes(trainer):
    batch = build([4, 5], SHARES, trainer.tokenizer, trainer.config.data)
    batch.boxes[0] = float("nan")
    with pytest.raises(ModelError, match=r"scenes \[4, 5\]"):
        trainer.learn(batch)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("optim: {steps: 5, lrr: 1}", "no key of optim is called 'lrr'; did you mean lr"),
        ("{optim: {steps: 5}, sed: 1}", "no key is called 'sed'; did you mean seed"),
        ("{optim: {steps: 5}, model: {llm: {heads: 7}}}", "model.llm: width 192 does not split into 7 heads"),
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
