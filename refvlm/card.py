"""The model card of a checkpoint folder: README.md, made from its files and from the records of finished runs.

No number is typed by hand: sizes come from the configuration and the weights, scores from `result.json` files whose
digest of the model is that of this folder. Imports no torch.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import yaml

from benchmarks.errors import DataError, ModelError
from refvlm.config import MODEL_TYPE, RefVLMConfig, read_config
from refvlm.fingerprint import CONFIG, fingerprint, weight_files

CARD, RESULT = "README.md", "result.json"
_NO_LOSS = frozenset({"step", "seconds"})
"""Keys of a line of the training log that are no losses."""
_SCHEMA = 1
"""Version of `result.json` that is read here."""
_NEEDED = (
    "task", "dataset", "split", "data", "n", "available", "expected", "failed", "unparsable", "missing", "headline",
    "metrics", "units", "intervals", "protocols", "options", "digests", "refbench",
)  # fmt: skip
_USE = """```python
import torch
from transformers import AutoModel, AutoProcessor
from refvlm.hub import register

register()
model = AutoModel.from_pretrained(FOLDER, dtype=torch.float32)
processor = AutoProcessor.from_pretrained(FOLDER)
inputs = processor([picture], ["Segment the red star with a mask."], unit="mask")
output = model.generate(**inputs, tokenizer=processor.tokenizer)
[prediction] = processor.post_process(output, inputs)
```

Or from the command line: `refbench eval --task refcocog_res --weights FOLDER`."""
_SAMPLE = "Rows marked *sample* were measured on procedural scenes and are never comparable to published numbers."
_SPECIAL = re.compile(r"[|*`\[\]\\]")
"""What Markdown reads in running text; underscores inside words it does not."""
_PART = "Rows with *n of N* cover a part of the split only."


@dataclass(frozen=True)
class Weights:
    """What the weight files hold: number of values, number format -> how many, bytes on disk."""

    values: int
    formats: Mapping[str, int]
    size: int


@dataclass(frozen=True)
class Words:
    """What a card says beside what the files of the checkpoint say: its heading, and what the weights learned from.

    Attributes:
        title: heading, one line.
        training: file of the training configuration; None leaves it out.
    """

    title: str = "REF-VLM"
    training: Path | None = None


def write_card(folder: Path, results: Sequence[Path], words: Words | None = None, out: Path | None = None) -> Path:
    """Write the card of a checkpoint folder.

    Args:
        folder: holds configuration, tokenizer and weights.
        results: run directories or their `result.json` files; runs with these very weights.
        words: heading and training configuration.
        out: file to write; None for README.md in the folder.

    Returns:
        The file written.

    Raises:
        ModelError: the folder is no checkpoint.
        ConfigError: its configuration is wrong.
        DataError: a file is no result, or one of another model, or the training configuration cannot be read.
    """
    path = out or folder / CARD
    model = fingerprint(folder)
    text = card(folder, [_record(each, model) for each in results], words or Words())
    path.write_text(text, encoding="utf-8")
    return path


def card(folder: Path, records: Sequence[Mapping[str, Any]], words: Words) -> str:
    """Build the text of the card from the contents of `result.json` files."""
    sizes, title = _sizes(folder), " ".join(words.title.split())
    weights = read_weights(folder)
    head = yaml.safe_dump(_front(records, title), sort_keys=False, allow_unicode=True)
    parts = [f"---\n{head}---", f"# {escaped(title)}", _summary(sizes, weights), "## Use", _USE]
    parts += ["## Sizes", _size_table(sizes)]
    if trained := [part for part in (_training(folder), _configured(words.training)) if part]:
        parts += ["## Training", *trained]
    parts += ["## Scores", _scores(records)]
    parts += ["## Files", f"SHA-256 of configuration, tokenizer and weights: `{fingerprint(folder)}`"]
    return "\n\n".join(parts) + "\n"


def read_weights(folder: Path) -> Weights:
    """Read the headers of the weight files, nothing else.

    Raises:
        ModelError: a file is missing or is no safetensors file.
    """
    formats: Counter[str] = Counter()
    size = 0
    for path in weight_files(folder):
        try:
            with path.open("rb") as file:
                length = int.from_bytes(file.read(8), "little")
                header = json.loads(file.read(min(length, path.stat().st_size)))
            header.pop("__metadata__", None)
            for entry in header.values():
                formats[entry["dtype"]] += prod(entry["shape"])
            size += path.stat().st_size
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{path} cannot be read ({error}): copy the checkpoint again") from None
    return Weights(formats.total(), formats, size)


def _sizes(folder: Path) -> RefVLMConfig:
    try:
        content = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder / CONFIG} cannot be read ({error}): name a checkpoint folder") from None
    return read_config(content, folder / CONFIG)


def _record(path: Path, model: str) -> Mapping[str, Any]:
    path = path / RESULT if path.is_dir() else path
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}): name the result.json of a finished run") from None
    known = isinstance(content, dict) and content.get("schema") == _SCHEMA
    missing = [key for key in _NEEDED if key not in content] if known else ["schema 1"]
    if missing:
        raise DataError(f"{path} is no result that can be read here, it lacks {', '.join(missing)}: run it again")
    if content["digests"].get("model") != model:
        raise DataError(
            f"{path} was made by another model ({str(content['digests'].get('model'))[:12]}…, these weights are "
            f"{model[:12]}…): run `refbench eval --weights` with this folder"
        )
    if content.get("stopped_early"):
        raise DataError(f"{path} is part of a run that was stopped early: run it again without --early-stop")
    return dict(content)


def _front(records: Sequence[Mapping[str, Any]], title: str) -> dict[str, Any]:
    """Front matter as model hubs read it."""
    results = [
        {
            "task": {"type": "image-text-to-text", "name": each["task"]},
            "dataset": {"name": f"{each['dataset']} ({each['data']})", "type": each["dataset"], "split": each["split"]},
            "metrics": [
                {"type": key, "name": f"{key} ({_unit(each, key)})", "value": value}
                for key, value in each["metrics"].items()
                if value is not None
            ],
        }
        for each in records
    ]
    front: dict[str, Any] = {
        "license": "apache-2.0",
        "library_name": "transformers",
        "pipeline_tag": "image-text-to-text",
        "tags": [MODEL_TYPE, "referring-expression", "segmentation", "visual-grounding"],
    }
    return front | ({"model-index": [{"name": title, "results": results}]} if results else {})


def _unit(record: Mapping[str, Any], key: str) -> str:
    return str(record["units"].get(key, "fraction"))


def _summary(sizes: RefVLMConfig, weights: Weights) -> str:
    formats = ", ".join(f"{name}" for name in sorted(weights.formats))
    units = ["box", "mask", *(name for name in ("keypoint", "depth") if getattr(sizes, name) is not None)]
    prompts = "points, boxes, scribbles and masks" if sizes.regions else "none"
    return (
        f"Answers questions about a picture with words and, for every phrase, with {', '.join(units)}. "
        f"Visual prompts: {prompts}. {weights.values:,} stored values ({formats}), {weights.size / 1e6:.1f} MB; "
        f"pictures are letterboxed to {sizes.image_size} pixels."
    )


def _size_table(sizes: RefVLMConfig) -> str:
    encoder, trunk, llm, decoder = sizes.encoder, sizes.trunk, sizes.llm, sizes.decoder
    rows = {
        "encoder of the language model": f"{encoder.layers_run} of {encoder.layers} layers, width {encoder.width}, "
        f"{sizes.grid}×{sizes.grid} tokens at {sizes.encoder_size} px, stem {encoder.stem}",
        "dense trunk": f"{trunk.kind}, widths {'/'.join(map(str, trunk.widths))}, "
        f"depths {'/'.join(map(str, trunk.depths))}",
        "language model": f"{llm.layers} layers, width {llm.width}, {llm.heads} heads, vocabulary {sizes.vocab_size:,}",
        "decoders": f"{decoder.layers} layers, width {decoder.width}, pixel width {decoder.pixel_width}",
        "longest answer": f"{sizes.max_new_tokens} tokens",
    }
    return _table(("part", "size"), list(rows.items()))


def _training(folder: Path) -> str:
    """How the losses went, by the training log beside the weights; empty where there is none.

    Raises:
        DataError: the log holds something else.
    """
    path = folder / "train_log.jsonl"
    if not path.is_file():
        return ""
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        if not lines:
            return ""
        first, last = lines[0], lines[-1]
        names = [key for key in last if key not in _NO_LOSS and isinstance(last[key], int | float)]
        body = [(name, _loss(first.get(name)), _loss(last[name])) for name in names]
        told = f"Step {last['step']:,} after {last['seconds'] / 60:.0f} minutes in the last stretch of the run."
        head = ("loss", f"step {first['step']:,}", f"step {last['step']:,}")
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is no training log ({error!r}): remove it, or copy the checkpoint again") from None
    return f"{told} The whole log is `{path.name}`.\n\n{_table(head, body)}"


def _loss(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else ""


def _configured(path: Path | None) -> str:
    """The training configuration, value by value as it was read."""
    if path is None:
        return ""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DataError(
            f"{path} cannot be read ({error}): name the YAML file that `refbench train` was given"
        ) from None
    if not isinstance(content, dict):
        raise DataError(f"{path} holds no settings: name the YAML file that `refbench train` was given")
    return f"Configuration (`{path.name}`):\n\n```yaml\n{yaml.safe_dump(content, sort_keys=False)}```"


def _scores(records: Sequence[Mapping[str, Any]]) -> str:
    if not records:
        return "None measured."
    head = ("task", "dataset", "split", "data", "n", "metric", "score", "95 % interval", "answers read", "protocol")
    body = [row for record in records for row in _rows(record)]
    notes = [_SAMPLE] if any(each["data"] == "sample" for each in records) else []
    notes += [_PART] if any(each["n"] != _full(each) for each in records) else []
    versions = ", ".join(sorted({each["refbench"] for each in records}))
    notes.append(
        f"Measured by refbench {versions}; plain numbers as the official tools define them, fractions not in %."
    )
    return _table(head, body) + "\n\n" + " ".join(notes)


def _rows(record: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """One row a metric, the first number of the task before the others."""
    keys = sorted(record["metrics"], key=lambda key: key != record["headline"])
    full, count = _full(record), record["n"]
    read = (count - record["failed"] - record["unparsable"] - record["missing"]) / max(count, 1)
    amount = f"{count:,}" if count == full else f"{count:,} of {full:,}"
    asked = f" ({record['options']['prompt']})" if "prompt" in record["options"] else ""
    what = (record["task"] + asked, record["dataset"], record["split"], record["data"], amount)
    return [
        (*what, key, _number(record["metrics"][key], _unit(record, key)), _interval(record["intervals"].get(key)),
         f"{read:.1%}", ", ".join(record["protocols"].values()))
        for key in keys
    ]  # fmt: skip


def _full(record: Mapping[str, Any]) -> int:
    return int(record["available"] if record["expected"] is None else record["expected"])


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return "undefined"
    return f"{value:.4f}" if unit == "fraction" else f"{value:.4f} {unit}"


def _interval(ends: Sequence[float] | None) -> str:
    return f"{ends[0]:.4f} to {ends[1]:.4f}" if ends else ""


def _table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(escaped(cell) for cell in row) + " |" for row in rows)


def escaped(text: str) -> str:
    """Write text so that Markdown shows it as it is, on one line and inside a cell."""
    return _SPECIAL.sub(r"\\\g<0>", " ".join(text.split())).replace("<", "&lt;")
