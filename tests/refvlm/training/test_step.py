import pytest
import torch
from torch.nn import functional

from benchmarks.errors import ConfigError
from refvlm.tokenizer import WordTokenizer
from refvlm.training import cells
from refvlm.training.step import losses_of
from refvlm.training.trainer import Trainer
from refvlm.training.vocabulary import build_tokenizer, cell_words


def test_the_loss_of_the_words_may_be_a_mean_over_turns(complete_config, batch_of):
    found = {}
    for per in ("token", "turn"):
        trainer = Trainer(complete_config(loss={"text_per": per}))
        batch = batch_of(trainer, [0, 1])
        found[per] = losses_of(trainer.model, trainer.heads, batch, trainer.config.loss)["text"].item()
        alone = []
        for row in range(len(batch.ids)):
            images = trainer.model.read_images(trainer.model.vision(batch.pixels).tokens)
            embedded = trainer.model.embed(batch.ids)
            if len(batch.regions):
                features = trainer.model.vision(batch.pixels)
                tokens = trainer.model.region_encoder(batch.regions, batch.region_kind, batch.region_row, features)
                at = batch.region_at.flatten(0, 1)
                embedded = embedded.index_put((at[:, 0], at[:, 1]), tokens.flatten(0, 1))
            states = trainer.model.states(images, batch.image[row : row + 1], embedded[row : row + 1])
            logits = trainer.model.llm.lm_head(states[0, :-1])
            losses = functional.cross_entropy(logits, batch.labels[row, 1:], reduction="none")
            alone.append(losses[batch.labels[row, 1:] >= 0])
        wanted = torch.cat(alone).mean() if per == "token" else torch.stack([each.mean() for each in alone]).mean()
        assert found[per] == pytest.approx(wanted.item(), rel=1e-4)  # float32 sums over other paddings
    assert found["token"] != pytest.approx(found["turn"], rel=1e-3)


def test_image_tokens_that_are_the_words_for_what_they_show_lose_nothing(complete_config, batch_of):
    trainer = Trainer(complete_config(loss={"words": 1.0}))
    model, heads = trainer.model, trainer.heads
    width = model.config.llm.width
    with torch.no_grad():
        table = torch.zeros_like(model.llm.model.embed_tokens.weight)
        spread = torch.linalg.qr(torch.randn(width, width, generator=torch.Generator().manual_seed(0)))[0]
        known = [id_ for ids in heads.word_ids for id_ in ids]
        assert len(known) <= width
        # Tokens are read at a root mean square of 1; long embeddings let them be plain all the same.
        table[known] = 100 * spread[: len(known)]
        model.llm.model.embed_tokens.weight.copy_(table)
    batch = batch_of(trainer, [0, 1])
    features = model.vision(batch.pixels)
    side = model.config.grid
    # Every cell of a token shows the same, so that the token can say it for all of them.
    covered = functional.interpolate(batch.cells[:, :, ::2, ::2].float(), scale_factor=2, mode="nearest").long()
    shown = torch.zeros(len(covered), side * side, width)
    small = covered[:, :, ::2, ::2].flatten(2)
    for kind, ids in enumerate(heads.word_ids):
        for value, id_ in enumerate(ids, start=1):
            shown += (small[:, kind] == value)[..., None] * table[id_]
        shown -= (small[:, kind] == 0)[..., None] * table[list(ids)].sum(0)
    perfect = type(features)(shown, features.pyramid, features.encoded, features.square)
    right, wrong = (
        heads.words(model, each, covered, None).item()
        for each in (perfect, type(features)(-shown, features.pyramid, features.encoded, features.square))
    )
    assert wrong > 100
    assert right < wrong / 5  # resizing between tokens mixes neighbours, so that it does not reach 0


def test_words_are_found_in_the_order_of_the_maps():
    tokenizer = build_tokenizer()
    names = [[tokenizer.tokens[id_] for id_ in ids] for ids in cell_words(tokenizer)]
    assert names == [list(words) for words in cells.KINDS]


def test_a_tokenizer_without_the_words_is_refused():
    with pytest.raises(ConfigError, match="needs a token for 'red', which the tokenizer lacks"):
        cell_words(WordTokenizer.build(["blue"]))
