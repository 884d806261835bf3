"""ViP-Bench: open questions about marked places, scored without a judge, with the file that the official judge takes.

The numbers are `metrics.vipbench`, a measure of our own. Beside them a run writes `vip-bench-answers.json`, an object
of question id -> answer, as ViP-LLaVA's convert_vipbench_for_eval.py makes it for vip-bench_evaluator.py; a question
without an answer has an empty one.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.errors import DataError
from benchmarks.files import read_json
from benchmarks.schema import Prediction, Sample
from benchmarks.vipbench import RubricTarget
from metrics import vipbench
from metrics.base import Row
from tasks.base import TaskKind, answer
from tasks.text_files import own_id, prediction

JUDGE_FILE = "vip-bench-answers.json"


def measure(sample: Sample, found: Prediction) -> dict[str, Row]:
    """Compare an answer with its rubric; no answer scores 0."""
    truth = sample.truth(RubricTarget)
    said = found.text if found.status == "ok" else None
    return {vipbench.VIPBENCH.name: vipbench.measure(said, truth.parts, truth.capabilities)}


def perfect(sample: Sample) -> Prediction:
    """Say the first alternative of every part."""
    return answer(sample, text="; ".join(part[0] for part in sample.truth(RubricTarget).parts))


def judge_file(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> dict[str, bytes]:
    """Build the file that the official judge reads."""
    said = [each.text if each.status == "ok" else "" for each in predictions]
    answers = {own_id(sample): text for sample, text in zip(samples, said, strict=True)}
    return {JUDGE_FILE: (json.dumps(answers, indent=2, ensure_ascii=False) + "\n").encode()}


def official(path: Path, samples: Sequence[Sample]) -> dict[str, Prediction]:
    """Read the file that the official judge reads.

    Raises:
        DataError: it is no object of question id -> answer.
    """
    content = read_json(path)
    if not isinstance(content, dict):
        raise DataError(f"{path}: must be an object of question id -> answer: write it as the official judge takes it")
    names = {own_id(sample): sample.id for sample in samples}
    found = {names[key] if key in names else str(key): text for key, text in content.items()}
    return {name: prediction(name, text) for name, text in found.items()}


KINDS = [
    TaskKind(
        name="vipbench",
        wants="text",
        metrics=(vipbench.VIPBENCH,),
        measure=measure,
        perfect=perfect,
        official=official,
        formats='{"v1_0": answer, …}, the file that the official judge takes',
        files=judge_file,
    )
]
