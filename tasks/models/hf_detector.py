"""Open-vocabulary detectors of the hub: GroundingDINO, OWLv2. `--model hf-detector:REFERENCE`.

- A task that lists categories: their names are the text, as `prompt` in the preset puts each. Up to `limit` boxes from
  `threshold` on are answered, the best first.
- An expression, without categories: it is the text, and the one box with the highest score is the answer, whatever its
  score: that is how these detectors ground phrases.

GroundingDINO reads all names in one line, `name. name.`; names that do not fit into its text are asked in several
lines. Its boxes are labelled as `labels` says:

| `labels` | a box is | with the score |
|---|---|---|
| `spans` | an object of every category | mean of its probabilities of the words of the name (its authors' evaluation) |
| `phrases` | one object; words above `text_threshold` are its name, by the processor | of its likeliest word |

OWLv2 scores every name by itself and the processor keeps the best one of a box.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from benchmarks.errors import ModelError
from benchmarks.schema import Group, ImageRef, Instance, Prediction, Query
from tasks.base import LoadOptions
from tasks.models import checkpoints
from tasks.models.families import Abilities, Member, Preset, family
from tasks.models.vision import Inputs, VisionModel, reply

if TYPE_CHECKING:
    import torch

_DINO = "grounding-dino"
_EVERYTHING = -1.0
"""A threshold that every score passes."""


class DetectorPreset(Preset):
    """An open-vocabulary detector.

    Attributes:
        prompt: text for a name, which stands for {}.
        threshold: least score of a box where categories are asked for.
        limit: most boxes of a photo.
        labels: how GroundingDINO's boxes get their names.
        text_threshold: least probability of a word of a name, for `phrases`.
    """

    prompt: str = "{}"
    threshold: float
    limit: int = 300
    labels: Literal["spans", "phrases"] = "spans"
    text_threshold: float = 0.25


@dataclass(frozen=True)
class Line:
    """One text about a photo: the names in it, its token ids, and for each name the places of its tokens."""

    names: tuple[str, ...]
    inputs: "Mapping[str, torch.Tensor]"
    spans: tuple[range, ...] = ()


Found = tuple[str, Instance]


class Detector(VisionModel[DetectorPreset]):
    """An open-vocabulary detector, loaded."""

    def __init__(self, member: Member[DetectorPreset], folder: Path, options: LoadOptions) -> None:
        """Load network, image processor and tokenizer.

        Raises:
            ModelError: they cannot be loaded.
        """
        from transformers import AutoModelForZeroShotObjectDetection, AutoTokenizer, GroundingDinoProcessor

        super().__init__(member, folder, options, AutoModelForZeroShotObjectDetection)
        self.processor = checkpoints.image_processor(folder, self.preset.trust_remote_code)
        self.tokenizer = checkpoints.part(folder, AutoTokenizer, self.preset.trust_remote_code)
        self._is_dino = self.model.config.model_type == _DINO
        self._grounding = GroundingDinoProcessor(self.processor, self.tokenizer) if self._is_dino else None

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Find what is asked for in every photo.

        Raises:
            ModelError: a query names nothing to look for.
        """
        lines = [self.lines(query) for query in queries]
        asked = [(place, line) for place, own in enumerate(lines) for line in own]
        inputs = [{**queries[place].image.seen(self.see), **line.inputs} for place, line in asked]
        found: dict[int, list[Found]] = {place: [] for place in range(len(queries))}
        for places, batch in self.batches(inputs):
            outputs = self.model(**batch)
            outputs.logits, outputs.pred_boxes = outputs.logits.float(), outputs.pred_boxes.float()
            for row, number in enumerate(places):
                place, line = asked[number]
                found[place] += self._boxes(outputs, row, line, queries[place])
        return [self._answer(query, found[place], lines[place]) for place, query in enumerate(queries)]

    def see(self, image: ImageRef) -> Inputs:
        """Make a photo ready."""
        made = self.processor(image.open_rgb(), return_tensors="pt")
        return {key: made[key] for key in ("pixel_values", "pixel_mask") if key in made}

    def lines(self, query: Query) -> list[Line]:
        """The texts that a query is put in.

        Raises:
            ModelError: it names nothing.
        """
        if not query.categories and not query.question.strip():
            raise ModelError("a detector needs names to look for: this task gives it no categories and no expression")
        names = query.categories or (query.question,)
        texts = [self.preset.prompt.replace("{}", name) for name in query.categories] or [query.question]
        return list(self._dino_lines(names, texts)) if self._is_dino else [self._owl_line(names, texts)]

    def _owl_line(self, names: Sequence[str], texts: list[str]) -> Line:
        """Every text by itself, cut at the length that the network reads."""
        length = self.model.config.text_config.max_position_embeddings
        tokens = self.tokenizer(texts, padding="max_length", max_length=length, truncation=True, return_tensors="pt")
        return Line(tuple(names), {key: tokens[key] for key in ("input_ids", "attention_mask")})

    def _dino_lines(self, names: Sequence[str], texts: Sequence[str]) -> Iterator[Line]:
        """Texts in lower case with a full stop behind each, as many in a line as fit."""
        stop = self.tokenizer.convert_tokens_to_ids(".")
        most = self.model.config.max_text_len - 2
        line: list[tuple[str, list[int]]] = []
        for name, text in zip(names, texts, strict=True):
            plain = text.strip().lower().rstrip(".")
            ids = [*self.tokenizer(plain, add_special_tokens=False).input_ids[: most - 1], stop]
            if line and sum(len(each) for _, each in line) + len(ids) > most:
                yield self._dino_line(line)
                line = []
            line.append((name, ids))
        yield self._dino_line(line)

    def _dino_line(self, texts: Sequence[tuple[str, list[int]]]) -> Line:
        import torch

        spans, ids = [], [self.tokenizer.cls_token_id]
        for _, own in texts:
            spans.append(range(len(ids), len(ids) + len(own) - 1))
            ids += own
        tokens = torch.tensor([[*ids, self.tokenizer.sep_token_id]])
        words = {
            "input_ids": tokens, "attention_mask": torch.ones_like(tokens), "token_type_ids": torch.zeros_like(tokens)
        }  # fmt: skip
        return Line(tuple(name for name, _ in texts), words, tuple(spans))

    def _boxes(self, outputs: Any, row: int, line: Line, query: Query) -> list[Found]:
        """Boxes of one line about one photo; of an expression every box."""
        if self._is_dino and query.categories and self.preset.labels == "spans":
            return self._by_spans(outputs, row, line, query)
        found = self._by_processor(outputs, row, line, query)
        return [
            (name, Instance(score=score, box_xyxy=tuple(box)))
            for name, score, box in zip(found[0], found[1].tolist(), found[2].tolist(), strict=True)
        ]

    def _by_processor(self, outputs: Any, row: int, line: Line, query: Query) -> "tuple[list[str], Any, Any]":
        """Names, scores and boxes as the processor reads them."""
        from types import SimpleNamespace

        one = SimpleNamespace(logits=outputs.logits[row : row + 1], pred_boxes=outputs.pred_boxes[row : row + 1])
        least, size = self.preset.threshold if query.categories else _EVERYTHING, [query.image.size_hw]
        if self._grounding is None:
            [found] = self.processor.post_process_object_detection(one, threshold=least, target_sizes=size)
            names = [line.names[label] for label in found["labels"].tolist()]
        else:
            [found] = self._grounding.post_process_grounded_object_detection(
                one, line.inputs["input_ids"], threshold=least, text_threshold=self.preset.text_threshold,
                target_sizes=size,
            )  # fmt: skip
            names = found["text_labels"]
        return names, found["scores"], found["boxes"]

    def _by_spans(self, outputs: Any, row: int, line: Line, query: Query) -> list[Found]:
        import torch

        probabilities = outputs.logits[row].sigmoid()  # [Q, L]
        scores = torch.stack([probabilities[:, list(span)].mean(1) for span in line.spans], dim=1)  # [Q, C]
        best = scores.flatten().topk(min(self.preset.limit, scores.numel()))
        height, width = query.image.size_hw
        x, y, w, h = outputs.pred_boxes[row].unbind(-1)
        scale = torch.tensor([width, height, width, height], device=x.device)
        boxes = torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=-1) * scale
        return [
            (
                line.names[place % len(line.names)],
                Instance(score=score, box_xyxy=tuple(boxes[place // len(line.names)].tolist())),
            )
            for score, place in zip(best.values.tolist(), best.indices.tolist(), strict=True)
            if score > self.preset.threshold
        ]

    def _answer(self, query: Query, found: list[Found], lines: Sequence[Line]) -> Prediction:
        """The best boxes; of an expression the best one."""
        ranked = sorted(found, key=lambda each: -(each[1].score or 0.0))[: self.preset.limit if query.categories else 1]
        names = [name if query.categories else query.question for name, _ in ranked]
        groups = tuple(Group(name, "box", (box,)) for name, (_, box) in zip(names, ranked, strict=True))
        return reply(query, groups=groups, prompt=" | ".join(self.text(line) for line in lines))

    def text(self, line: Line) -> str:
        """The words of a line, as its token ids spell them."""
        spelt = self.tokenizer.batch_decode(line.inputs["input_ids"], skip_special_tokens=True)
        return "; ".join(text.strip(" !") if not self._is_dino else text for text in spelt)


MODELS = [
    family(
        "hf-detector",
        DetectorPreset,
        Detector,
        lambda preset: Abilities(("box",)),
        "open-vocabulary detectors of the hub (GroundingDINO, OWLv2): categories, or the best box of an expression",
    )
]
