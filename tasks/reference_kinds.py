"""The generated half of the pages about task kinds: tasks, formats of answers, and the protocol cards of the metrics.

The other half, what a kind is and what published papers did differently, is written by hand around the two marks.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.errors import ConfigError
from benchmarks.schema import Group, Instance, Prediction, Unit
from metrics.base import Metric
from tasks.base import TaskKind
from tasks.predictions import to_json
from tasks.reference_commands import escaped
from tasks.registry import TaskFile

BEGIN, END = "<!-- written by `python -m tasks.reference`: begin -->", "<!-- end -->"
_MASK = {"size": [4, 6], "counts": "9220003"}
_JOINTS = tuple((10.0 + 4 * joint, 20.0 + 2 * joint, 1.0) for joint in range(17))
_INSTANCES: Mapping[Unit, Instance] = {
    "box": Instance(score=0.9, box_xyxy=(4.0, 6.0, 24.0, 36.0)),
    "mask": Instance(score=0.9, mask_rle=_MASK),
    "keypoint": Instance(score=0.9, keypoints=_JOINTS),
}
_SIMPLE: Mapping[Unit, Mapping[str, object]] = {
    "box": {"box_xyxy": [4, 6, 24, 36]},
    "mask": {"mask_rle": _MASK},
    "text": {"text": "two cats on a sofa"},
    "depth": {"depth": {"file": "maps/45.npz"}},
}
_MEANS: Mapping[Unit, str] = {
    "box": "x1, y1, x2, y2 in pixels of the original photo",
    "mask": "COCO's compressed run lengths at the size of the original photo, size as height, width",
    "keypoint": "x, y in pixels of the original photo and the score of the joint, in the benchmark's order of joints",
    "depth": "float32 [H, W] in metres, at the size of the original photo, in a .npz file beside the predictions",
    "text": "words",
}


def page(path: Path, kind: TaskKind) -> str:
    """Join what is written by hand in a page with what the code knows.

    Raises:
        ConfigError: the page is missing or lacks the marks.
    """
    try:
        before, rest = path.read_text("utf-8").split(BEGIN)
        after = rest.split(END)[1]
    except (OSError, ValueError, IndexError):
        raise ConfigError(f"{path} must be a page about {kind.name} that has the lines {BEGIN} and {END}") from None
    return f"{before}{BEGIN}\n{generated(kind)}{END}{after}"


def generated(kind: TaskKind) -> str:
    """Write what the code knows about a kind, as Markdown."""
    from metrics.registry import metrics
    from tasks.registry import task_files

    files = {name: content for name, content in task_files().items() if content.kind == kind.name}
    shown = {metric.name for metric in kind.metrics}
    variants = [metric for metric in metrics() if metric.kind == kind.name and metric.name not in shown]
    cards = "".join(_card(metric) for metric in kind.metrics)
    return f"{_tasks(files)}{_answers(kind)}\n## Protocol cards\n{cards}{_variants(variants)}"


def _tasks(files: Mapping[str, TaskFile]) -> str:
    from tasks.prompts import template

    rows = "".join(
        f"| `{name}` | {content.benchmark} | {', '.join(content.splits)} | {escaped(template(content.prompt))} "
        f"| {_options(content.protocol)} |\n"
        for name, content in files.items()
    )
    return f"\n## Tasks\n\n| task | benchmark | splits | asked as | protocol options |\n|---|---|---|---|---|\n{rows}"


def _options(protocol: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {escaped(value)}" for name, value in protocol.items())


def _answers(kind: TaskKind) -> str:
    paragraphs = [f"## Answers\n\nAn answer holds a **{kind.wants}**: {_MEANS[kind.wants]}."]
    if kind.wants in _SIMPLE:
        line = json.dumps({"sample_id": "ID", **_SIMPLE[kind.wants]})
        paragraphs += ["A line of a predictions file, in the simple form:", f"<!-- run -->\n```json\n{line}\n```"]
    if kind.wants in _INSTANCES:
        group = Group("what it names", kind.wants, (_INSTANCES[kind.wants],))
        whole = to_json(Prediction("ID", "ok", groups=(group,)))
        line = json.dumps({key: value for key, value in whole.items() if value})
        paragraphs += ["In full, with any number of groups and instances:", f"<!-- run -->\n```json\n{line}\n```"]
    if kind.formats:
        paragraphs += [f"Official format that `refbench score --task` reads: {escaped(kind.formats)}."]
    return "\n" + "\n\n".join(paragraphs) + "\n"


def _card(metric: Metric) -> str:
    card = metric.card
    top = "any" if card.range[1] is None else f"{card.range[1]:g}"
    direction = "higher" if metric.higher_is_better else "lower"
    keys = "".join(f"| `{key}` | {escaped(text)} |\n" for key, text in card.keys.items())
    rules = "".join(f"- {escaped(rule)}\n" for rule in card.edge_rules)
    return (
        f"\n### {metric.name}: `{metric.protocol}`\n\n{escaped(card.definition).rstrip('.')}.\n\n"
        f"Headline `{metric.headline}`, {card.unit}, {card.range[0]:g} to {top}, {direction} is better. "
        f"Source: {escaped(card.source).rstrip('.')}.\n\n| key | means |\n|---|---|\n{keys}\nRules:\n\n{rules}"
    )


def _variants(metrics: Iterable[Metric]) -> str:
    rows = "".join(
        f"| `{metric.name}` | `{metric.protocol}` | {escaped(metric.card.definition)} |\n" for metric in metrics
    )
    head = "\n### Other rules of the family\n\nOther rules are other protocols: their rows never share a table.\n\n"
    return f"{head}| metric | protocol | definition |\n|---|---|---|\n{rows}" if rows else ""
