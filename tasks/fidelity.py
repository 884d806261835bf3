"""Whether finished runs of a model that speaks the triplet grammar keep to it: for `refbench score fidelity`.

How many instances the truth holds is read off the perfect answer of each kind of task, so that any kind will do.
Answers in words are stored without their plan: of those only whether they could be read is known.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path

from benchmarks.errors import DataError
from benchmarks.schema import Prediction, Sample
from benchmarks.world.write import is_world
from metrics.base import Row, ScoreReport
from metrics.fidelity import FIDELITY, Item, ParsedAnswer, aggregate, measure
from refvlm.answers import PlanItem, Triplet
from refvlm.trp import TASK, parse
from tasks.base import Task
from tasks.data import Data, find_data
from tasks.plan import open_split
from tasks.predictions import read
from tasks.registry import find
from tasks.rundir import RunDirectory

FILE = "predictions.jsonl"


def score_runs(folder: Path) -> ScoreReport:
    """Score all finished runs in a folder, or the one that it is.

    Returns:
        Numbers over the answers that carry a plan, and by kind of task; for kinds in words only `parse_rate`.

    Raises:
        DataError: there is no finished run, one cannot be read, or its answers are not in the grammar.
    """
    rows: dict[str, list[Row]] = defaultdict(list)
    planned: list[Row] = []
    words = 0
    opened = cache(partial(find_data, progress=False))
    for path in sorted(folder.rglob(FILE)):
        task, found = _rows(path, opened)
        rows[task.kind.name] += found
        if task.kind.wants == "text":
            words += len(found)
        else:
            planned += found
    if not planned:
        raise DataError(f"{folder} holds no {FILE} of a finished run with boxes, masks, joints or depth: name another")
    of_text = {name for name, each in rows.items() if "plan_error" not in each[0]}
    return ScoreReport(
        metric=FIDELITY.name,
        protocol=FIDELITY.protocol,
        n=len(planned),
        missing=sum(int(row["missing"]) for row in planned),
        malformed=sum(1 - int(row["parsed"]) - int(row["missing"]) for row in planned),
        metrics=dict(aggregate(planned)),
        per_class={name: _of_words(each) if name in of_text else dict(aggregate(each)) for name, each in rows.items()},
        notes=(f"{words} answers in words are stored without their plan: only whether they parse is known of them",),
    )


def _of_words(rows: Sequence[Row]) -> dict[str, float | None]:
    return {"parse_rate": sum(row["parsed"] for row in rows) / len(rows)}


def _rows(path: Path, data: Callable[[Path | None], Data]) -> tuple[Task, list[Row]]:
    """Measure one run."""
    content = RunDirectory(path.parent, path.parent).read_run()
    if content is None or content.get("state") != "done":
        raise DataError(f"{path.parent} holds no finished run: run its command again, or remove the folder")
    identity, opens = content["identity"], content["opens"]
    task = find(identity["task"]["name"], None if opens["include"] is None else Path(opens["include"]))
    answers = read(path)
    if task.kind.wants == "text":
        return task, [{"parsed": int(answer.status == "ok"), "missing": 0} for answer in answers]
    if not any(answer.text.startswith(TASK) for answer in answers):
        raise DataError(f"{path} holds no answer in the triplet grammar: only models that speak it can be scored so")
    root = None if opens["data_root"] is None else Path(opens["data_root"])
    built_in = root is not None and identity["split"]["origin"] == "sample" and not is_world(root)
    split = open_split(task, identity["split"]["name"], data(None if built_in else root))
    truths = {sample.id: _wanted(task, sample) for sample in split.samples}
    if strange := [answer.sample_id for answer in answers if answer.sample_id not in truths]:
        raise DataError(f"{path}: {strange[0]} is no sample of the data that is here: put back what the run was on")
    return task, [measure(_parsed(answer), truths[answer.sample_id]) for answer in answers]


def _wanted(task: Task, sample: Sample) -> tuple[Item, ...]:
    if task.kind.wants == "depth":
        return (Item("", "depth", 1),)
    groups = task.kind.perfect(sample).groups
    return tuple(Item(group.phrase, task.kind.wants, len(group.instances)) for group in groups if group.instances)


def _parsed(answer: Prediction) -> ParsedAnswer | None:
    """What the parser finds in an answer; None where there is none."""
    if answer.status == "failed":
        return None
    found = parse(answer.text)
    return ParsedAnswer(
        parsed=answer.status == "ok" and found.ok,
        plan=tuple(map(_item, found.plan)),
        body=tuple(map(_item, found.triplets)),
        ordered=all(each.code != "bad_index" for each in found.diagnostics),
        refused=not found.triplets,
    )


def _item(part: PlanItem | Triplet) -> Item:
    return Item(part.phrase, part.unit, part.count)
