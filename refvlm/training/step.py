"""One training step: packed turns through the model, and every loss."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from refvlm.decoders.base import Truth
from refvlm.decoders.query import Queries, resize
from refvlm.losses import Targets, decoder_losses
from refvlm.model import Decoded, RefVLM
from refvlm.training import cells
from refvlm.training.batches import IGNORED, Batch
from refvlm.training.config import LossConfig
from refvlm.training.pieces import Counts, share_of
from refvlm.vision import ImageFeatures

_BUCKETS = (0, 0.4, 0.75, 1)


class CellHeads(nn.Module):
    """Heads that name what covers each cell while training; they are not part of the model.

    Attributes:
        word_ids: ids of the words for each map's values, see `refvlm.training.vocabulary.cell_words`; only `words`
            needs them.
    """

    def __init__(self, model: RefVLM, word_ids: Sequence[Sequence[int]] = ()) -> None:
        super().__init__()
        self.word_ids = word_ids
        counts = [len(names) + 1 for names in cells.KINDS]
        self.on_keys = nn.ModuleList(nn.Linear(model.config.decoder.width, count) for count in counts)
        self.on_tokens = nn.ModuleList(nn.Linear(model.config.encoder.width, count) for count in counts)

    def forward(self, model: RefVLM, features: ImageFeatures, covered: Tensor, shares: Tensor | None) -> Tensor:
        """Weighted mean cross-entropy of every map, over both feature maps, times the map's share, float [5]."""
        values = model.query_trunk.keys(features)[1]
        tokens = resize(features.encoded, covered.shape[-1]).flatten(2).transpose(1, 2)
        both = ((values, self.on_keys), (tokens, self.on_tokens))
        return _naming_loss([[head(maps).float() for head in heads] for maps, heads in both], covered, shares)

    def words(self, model: RefVLM, features: ImageFeatures, covered: Tensor, shares: Tensor | None) -> Tensor:
        """The same, where a value's logit is the product of the image token, as the language model reads it, and the
        embedding of the value's word; that of nothing is 0. So image tokens come to lie near the words for what they
        show, and a question finds its object by its words.

        Every layer reads its tokens at a root mean square of 1; in longer tokens, words could be told apart here and
        still be too small a part to be found by.
        """
        side = model.config.grid
        read = functional.rms_norm(features.tokens.float(), features.tokens.shape[-1:], eps=model.config.llm.norm_eps)
        tokens = read.transpose(1, 2).reshape(len(covered), -1, side, side)
        maps = resize(tokens, covered.shape[-1]).flatten(2).transpose(1, 2).float()
        table = model.llm.model.embed_tokens.weight.float()
        named = [functional.linear(maps, table[list(ids)]) for ids in self.word_ids]
        return _naming_loss([[functional.pad(logits, (1, 0)) for logits in named]], covered, shares)


def _naming_loss(guesses: Sequence[Sequence[Tensor]], covered: Tensor, shares: Tensor | None) -> Tensor:
    """Weighted mean cross-entropy of every map, float [B, C*C, V] in each set of guesses, times the map's share."""
    weights = cells.weights(covered)
    losses = []
    for maps in guesses:
        for i, logits in enumerate(maps):
            wanted, known = covered[:, i].flatten(), weights[:, i].flatten()
            loss = functional.cross_entropy(logits.flatten(0, 1), wanted, reduction="none", ignore_index=cells.UNKNOWN)
            mean = (loss * known).sum() / known.sum().clamp(min=1)
            losses.append(mean if shares is None else mean * shares[i])
    return torch.stack(losses).mean()


@dataclass(frozen=True)
class _Passed:
    """What one pass over a batch yields.

    Attributes:
        features: of the images.
        embedded: float [T, L, D], embedded tokens.
        ref_states: float [N, D], last states of the `<REF>` tokens.
        text: loss of the words.
    """

    features: ImageFeatures
    embedded: Tensor
    ref_states: Tensor
    text: Tensor


class Step(nn.Module):
    """All that learns, as one module with one forward pass, so that it can be shared out over processes."""

    def __init__(self, model: RefVLM, heads: CellHeads, weights: LossConfig) -> None:
        super().__init__()
        self.model, self.heads, self.weights = model, heads, weights

    def forward(self, batch: Batch, shares: Counts | None) -> dict[str, Tensor]:
        """See `losses_of`."""
        return losses_of(self.model, self.heads, batch, self.weights, shares)


def losses_of(
    model: RefVLM, heads: CellHeads, batch: Batch, weights: LossConfig, shares: Counts | None = None
) -> dict[str, Tensor]:
    """Run one batch; return each loss whose weight is not 0 and their weighted sum as "total".

    Args:
        model, heads: what learns.
        batch: one piece of a step, or all of it.
        weights: of the losses.
        shares: of the piece in the step, see `refvlm.training.pieces`; None where it is all of it.
    """
    passed = _run(model, batch, weights.text_per)
    found = {"text": passed.text}
    if len(batch.ref_row) and _decodes(weights, model):
        found |= _decoder_losses(model, batch, model.decode(_queries(passed, batch), passed.features))
    if shares is not None:
        found = {name: value * share_of(name, shares) for name, value in found.items()}
    cell_shares = None if shares is None else shares["cells"]
    if weights.cells:
        found["cells"] = heads(model, passed.features, batch.cells, cell_shares)
    if weights.words:
        found["words"] = heads.words(model, passed.features, batch.cells, cell_shares)
    found = {name: value for name, value in found.items() if _weight(weights, name)}
    found["total"] = torch.stack([_weight(weights, name) * value for name, value in found.items()]).sum()
    return found


def decoded_of(model: RefVLM, batch: Batch) -> Decoded:
    """What the decoders say of every `<REF>` when the language model hears the true answers."""
    passed = _run(model, batch)
    return model.decode(_queries(passed, batch), passed.features)


def _weight(weights: LossConfig, name: str) -> float:
    """Weight of a loss; that of a decoder that plugs in is 1."""
    return float(getattr(weights, name, 1.0))


def _decodes(weights: LossConfig, model: RefVLM) -> bool:
    wanted = any(value for name, value in weights if name not in ("text", "text_per", "cells", "words"))
    return wanted or bool(model.config.decoders)


def _run(model: RefVLM, batch: Batch, text_per: str = "token") -> _Passed:
    features = model.vision(batch.pixels)
    embedded = model.embed(batch.ids)
    if len(batch.regions):
        assert model.region_encoder is not None, "questions with visual prompts need the section 'regions' of the model"
        tokens = model.region_encoder(batch.regions, batch.region_kind, batch.region_row, features)
        at = batch.region_at.flatten(0, 1)
        embedded = embedded.index_put((at[:, 0], at[:, 1]), tokens.flatten(0, 1).to(embedded.dtype))
    images = model.read_images(features.tokens.to(embedded.dtype))
    ref_states, lost, count = [], [], 0
    for first, last in _buckets(len(batch.ids)):
        length = int(batch.lengths[last - 1])
        states = model.states(images, batch.image[first:last], embedded[first:last, :length])
        labels = batch.labels[first:last, 1:length]
        logits = model.llm.lm_head(states[:, :-1][labels != IGNORED])
        spoken = labels != IGNORED
        losses = functional.cross_entropy(logits.float(), labels[spoken], reduction="none")
        if text_per == "turn":
            losses = losses / spoken.sum(1, keepdim=True).expand_as(spoken)[spoken]
        lost.append(losses.sum())
        count += len(spoken) if text_per == "turn" else len(logits)
        inside = (batch.ref_row >= first) & (batch.ref_row < last)
        ref_states.append(states[batch.ref_row[inside] - first, batch.ref_column[inside]])
    return _Passed(features, embedded, torch.cat(ref_states), torch.stack(lost).sum() / count)


def _buckets(turns: int) -> list[tuple[int, int]]:
    """Cut turns, sorted by length, into runs of about the same length."""
    edges = sorted({round(turns * share) for share in _BUCKETS})
    return list(pairwise(edges))


def _queries(passed: _Passed, batch: Batch) -> Queries:
    columns = torch.arange(batch.ids.shape[1], device=batch.ids.device)[None]
    inside = (columns >= batch.phrase[:, :1]) & (columns < batch.phrase[:, 1:])
    spoken = passed.embedded.float()[batch.ref_row] * inside[..., None]
    return Queries(
        states=passed.ref_states,
        phrases=spoken.sum(1) / inside.sum(1, keepdim=True).clamp(min=1),
        image=batch.image[batch.ref_row],
        group=batch.group,
        answer=batch.ref_row,
    )


def _decoder_losses(model: RefVLM, batch: Batch, decoded: Decoded) -> dict[str, Tensor]:
    """Match inside each triplet; then the losses of box and mask, and those of every decoder's own."""
    found: dict[str, Tensor] = {}
    rows, whole = batch.spatial.nonzero()[:, 0], (~batch.spatial).nonzero()[:, 0]
    true = torch.arange(len(batch.spatial), device=rows.device)
    if len(rows):
        sizes = torch.unique_consecutive(batch.group[rows], return_counts=True)[1].tolist()
        focal = model.config.decoder.focal_masks
        targets = Targets(batch.boxes[rows], batch.masks[rows], sizes, batch.masked[rows], focal)
        found, match = decoder_losses(decoded.pick(rows), targets)
        true[rows] = rows[match]
    truth = Truth(
        rows, whole, batch.boxes[true], batch.masks[true], batch.joints[true], batch.depth, seed=batch.seeds[0]
    )
    for decoder in model.decoders.values():
        found |= decoder.losses(decoded, truth)
    return found
