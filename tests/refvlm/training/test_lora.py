"""Low-rank adapters: the language model stays, the checkpoint needs no peft, resuming goes on to the bit."""

import importlib.util

import peft
import pytest
import torch

from benchmarks.errors import ConfigError, UnknownName
from refvlm import checkpoint
from refvlm.training import lora
from refvlm.training.launch import Job
from refvlm.training.parts import learners
from refvlm.training.trainer import Trainer

LORA = {"r": 2, "alpha": 8.0, "targets": ["q_proj", "down_proj"]}


def test_adapters_learn_and_the_language_model_around_them_does_not(complete_config, batch_of):
    trainer = Trainer(complete_config(lora=LORA, train=["llm.model.embed_tokens", "projector"]))
    before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    batch = batch_of(trainer, [0, 1, 2])
    trainer.learn(batch)
    trainer.learn(batch)  # B starts at zero, so A gets its first gradient in the second step
    moved = {n for n, value in trainer.model.named_parameters() if not torch.equal(value, before[n])}
    assert moved == {name for name, _ in learners(trainer.model)}
    assert {name.split(".lora_")[0] for name in moved if ".lora_" in name} == {
        f"llm.model.layers.{k}.{layer}" for k in (0, 1) for layer in ("self_attn.q_proj", "mlp.down_proj")
    }
    assert {name for name in moved if name.startswith("llm.") and ".lora_" not in name} == {
        "llm.model.embed_tokens.weight"
    }


def test_merged_weights_say_what_the_model_with_adapters_says(complete_config, batch_of):
    trainer = Trainer(complete_config(lora=LORA, optim={"lr": 0.05, "llm_lr": 0.05}))
    batch = batch_of(trainer, [0, 1])
    trainer.learn(batch)
    plain = Trainer(complete_config())
    plain.model.load_state_dict(lora.merge(trainer.model.state_dict(), trainer.config.lora))
    ids = batch.ids[:1]
    with torch.no_grad():
        states = [each.model.llm(inputs_embeds=each.model.embed(ids)).logits for each in (trainer, plain)]
        base = Trainer(complete_config()).model
        assert not torch.allclose(base.llm(inputs_embeds=base.embed(ids)).logits, states[0], atol=1e-2)
    torch.testing.assert_close(states[0], states[1], rtol=1e-4, atol=1e-5)  # W x + B A x against (W + B A) x


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated")  # peft asks transformers for it
def test_a_checkpoint_holds_merged_weights_and_peft_reads_the_adapters(complete_file, tmp_path):
    out = tmp_path / "run"
    Job(complete_file(lora=LORA | {"adapters": True}), out).run()
    model, _ = checkpoint.load(out)
    state = torch.load(out / "training_state.pt", weights_only=True)
    weights = state["model"] | state["average"]
    merged = lora.merge(weights, lora.LoraConfig(**LORA))
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, merged[name].half().float(), rtol=0, atol=0)
    plain = {n.removeprefix("llm."): v.float() for n, v in weights.items() if n.startswith("llm.") and "lora" not in n}
    model.llm.load_state_dict({name.replace(".base_layer.", "."): value for name, value in plain.items()})
    adapted = peft.PeftModel.from_pretrained(model.llm, out / lora.ADAPTERS).merge_and_unload()
    for name, value in adapted.state_dict().items():
        torch.testing.assert_close(value, merged[f"llm.{name}"], rtol=1e-5, atol=1e-6)  # peft adds in another order


def test_a_resumed_run_ends_with_the_same_weights(complete_file, tmp_path):
    file = complete_file(lora=LORA, optim={"accumulate": 2})
    Job(file, tmp_path / "whole").run()
    Job(file, tmp_path / "parts", max_minutes=0.0).run()
    Job(file, tmp_path / "parts", resume=True).run()
    whole, parts = (torch.load(tmp_path / n / "training_state.pt", weights_only=True) for n in ("whole", "parts"))
    assert (whole["step"], parts["step"]) == (4, 4)
    for kind in ("model", "average", "heads"):
        assert all(torch.equal(value, parts[kind][name]) for name, value in whole[kind].items())


def test_what_is_missing_is_said(complete_config, monkeypatch):
    with pytest.raises(UnknownName, match="'q_prog'; did you mean q_proj"):
        Trainer(complete_config(lora=LORA | {"targets": ["q_prog"]}))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r'needs peft, .* pip install "refbench\[lora\]"'):
        Trainer(complete_config(lora=LORA))
