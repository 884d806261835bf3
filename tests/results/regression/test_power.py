"""How often the gate finds a drop of known size, and how often it cries without one: measured on planted regressions.

A sentence of an image is answered rightly with the chance of its image, so sentences about one image hang together. The
candidate gives most answers of the baseline again and draws a share of them anew with the same chances: this is what
another seed or another library does, and no regression. A planted one turns a part of its right answers into wrong
ones. Shares right, areas and sentences per image are those of the reference model on refcoco_res testA of the sample
world.
"""

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from metrics.res import RES
from results import paired
from results.measured import Measured
from results.record import Record
from results.regression.evidence import Examiner
from results.regression.judge import judge
from results.regression.latency import interval_depth
from results.regression.pairs import Matching, Pair
from results.regression.rules import KINDS, WHOLE, RuleBook
from results.run import Run

SENTENCES = 6
SHARE_RIGHT = 0.88
REDRAWN = 0.10
DROPS = (0.0, 0.005, 0.01, 0.02, 0.03, 0.05)


def two_scores(rows):
    """Take p@0.5 and ciou as `metrics.res` does, in plain Python: of single rows that is twenty times quicker."""
    hits, inter, union = 0, 0, 0
    for row in rows:
        hits += row["inter"] > 0.5 * row["union"]
        inter += row["inter"]
        union += row["union"]
    return {"p@0.5": hits / len(rows), "ciou": inter / max(union, 1)}


LEAN = replace(RES, aggregate=two_scores)


class InMemory(Examiner):
    """Tests pairs whose rows were never written to disk."""

    def __init__(self, opened, resamples):
        super().__init__(resamples=resamples)
        self.opened = opened

    def verify(self, pair):
        """Nothing was written, so nothing can have been edited."""

    def evidence(self, pair, key, part=WHOLE):
        self._last = (pair, self.opened[id(pair)])
        return super().evidence(pair, key, part)


@pytest.fixture(autouse=True)
def rows_are_known(monkeypatch):
    monkeypatch.setattr("results.regression.evidence.has_rows", lambda run: True)


def answers(random, images, drop):
    """Overlaps of baseline and candidate and the areas: float [N] each, N = images * SENTENCES."""
    logit = np.log(SHARE_RIGHT / (1 - SHARE_RIGHT)) + random.normal(0.4, 1.0, images)
    chance = np.repeat(1 / (1 + np.exp(-logit)), SENTENCES)

    def draw():
        right = random.random(len(chance)) < chance
        return np.where(right, random.beta(12, 1.2, len(chance)), 0.3 * random.random(len(chance)) ** 3)

    old, fresh = draw(), draw()
    new = np.where(random.random(len(old)) < REDRAWN, fresh, old)
    hit = (new > 0.5) & (random.random(len(new)) < drop / SHARE_RIGHT)
    return old, np.where(hit, 0.1 * new, new), random.lognormal(5.9, 0.7, len(old)).round() + 1


def measured(name, ious, areas, images):
    rows = [{"inter": int(iou * area), "union": int(area), "missing": 0} for iou, area in zip(ious, areas, strict=True)]
    keys = {key: ("res", key) for key in two_scores(rows)}
    ids = [f"{place:06d}" for place in range(len(rows))]
    clusters = [f"{place // SENTENCES:06d}" for place in range(len(rows))]
    return Measured(name, ids, clusters, {"res": rows}, {"res": LEAN}, keys)


def run_of(side, task):
    values = two_scores(side.rows["res"])
    return Run(
        Record(
            model="toy", task=task, kind="res", dataset="toy", split="test", data="official", limit=None,
            n=len(side.ids), available=len(side.ids), expected=None, failed=0, unparsable=0, missing=0,
            headline="ciou", columns=tuple(values), metrics=values, units=dict.fromkeys(values, "fraction"),
            intervals={}, protocols={"res": RES.protocol}, refbench="0",
        ),
        Path(side.name),
    )  # fmt: skip


def once(seed, images, drop, book, tasks=1, resamples=1000):
    """Judge one repetition of a gate over so many tasks; the drop is planted in the first one only."""
    random = np.random.default_rng(seed)
    pairs, opened = [], {}
    for task in range(tasks):
        old, new, areas = answers(random, images, drop if task == 0 else 0.0)
        a, b = (measured(name, ious, areas, images) for name, ious in (("old", old), ("new", new)))
        pair = Pair(run_of(a, f"task{task}"), run_of(b, f"task{task}"))
        pairs.append(pair)
        opened[id(pair)] = paired.Pair(a, b, a.ids, a.images)
    return judge(Matching(tuple(pairs), (), ()), book, InMemory(opened, resamples))


def rule(kind, key="ciou", **content):
    return KINDS[kind].model_validate({"kind": kind, "metrics": [key], "name": f"{kind} {key}", **content})


SIGNIFICANCE = RuleBook(rules=(rule("significance", "p@0.5"), rule("significance", "ciou")), correction="none")
NAIVE = (rule("absolute", "p@0.5", max_drop=0.01), rule("absolute", "ciou", max_drop=0.01))


def alarms(book, repetitions, images, drop, **more):
    """Rule -> in how many repetitions it failed."""
    found = Counter()
    for seed in range(repetitions):
        found.update({check.rule for check in once(seed, images, drop, book, **more) if check.status == "fail"})
    return found


def ends(chance, repetitions):
    """Where a count with this chance lies in 999 of 1,000 measurements."""
    return binom.interval(0.999, repetitions, chance)


def test_the_two_scores_are_those_of_the_metric():
    old, _, areas = answers(np.random.default_rng(0), 20, 0.0)
    rows = measured("old", old, areas, 20).rows["res"]
    assert two_scores(rows) == pytest.approx({key: RES.aggregate(rows)[key] for key in ("p@0.5", "ciou")})


def test_alarms_without_a_cause_are_as_rare_as_alpha_says():
    count = 80
    found = alarms(SIGNIFICANCE, count, images=60, drop=0.0, resamples=200)
    assert all(found[each.name] <= ends(0.05, count)[1] for each in SIGNIFICANCE.rules)


def test_a_drop_of_eight_points_is_found_nearly_always():
    """360 sentences: six standard errors of the paired difference."""
    found = alarms(SIGNIFICANCE, 25, images=60, drop=0.08, resamples=200)
    assert all(found[each.name] >= 24 for each in SIGNIFICANCE.rules)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("images", [117, 350])
def test_power_over_the_size_of_the_drop(images):
    """Print the table of docs/ci_gate.md; power grows with the drop, and is alpha without one."""
    count = 100
    book = RuleBook(rules=(*SIGNIFICANCE.rules, *NAIVE), correction="none")
    found = {drop: alarms(book, count, images, drop, resamples=500) for drop in DROPS}
    print(f"\n{images} images, {images * SENTENCES} sentences, {count} repetitions")
    for drop in DROPS:
        cells = [f"{100 * found[drop][each.name] / count:.1f} %" for each in book.rules]
        print(f"| {100 * drop:.1f} | {' | '.join(cells)} |")
    for each in SIGNIFICANCE.rules:
        counts = [found[drop][each.name] for drop in DROPS]
        assert counts[0] <= ends(0.05, count)[1]
        assert all(low <= high + 0.05 * count for low, high in pairwise(counts))
        assert counts[-1] >= 0.95 * count


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("correction", ["holm", "none"])
def test_a_gate_of_ten_tasks_cries_no_more_often_than_one(correction):
    """Holm keeps the chance of any alarm at alpha; without it, ten tests cry in about 1 - 0.95 ** 10 = 40 %."""
    count = 100
    book = RuleBook(rules=(rule("significance", "ciou"),), correction=correction)
    any_alarm = alarms(book, count, images=60, drop=0.0, tasks=10, resamples=500)["significance ciou"]
    hits = alarms(book, count, images=117, drop=0.05, tasks=10, resamples=500)["significance ciou"]
    print(f"\n{correction}: any alarm in {100 * any_alarm / count:.0f} %, 5 points found in {100 * hits / count:.0f} %")
    if correction == "holm":
        assert any_alarm <= ends(0.05, count)[1]
    else:
        assert any_alarm >= ends(0.25, count)[0]
    assert hits >= 0.9 * count


LATENCY_COUNT = 2000


def slow_alarms(scale, batches, noise, allowed):
    """Share of repetitions in which batches with log-normal noise in both runs are surely slower than allowed."""
    random = np.random.default_rng(7)
    ratios = np.sort(scale * np.exp(random.normal(0, noise * 2**0.5, (LATENCY_COUNT, batches))), axis=1)
    return float((ratios[:, interval_depth(batches)] > 1 + allowed).mean())


def test_latency_cries_in_less_than_3_of_100_and_finds_what_is_well_beyond():
    for batches, at_limit, beyond in ((8, 0.03, 0.4), (22, 0.03, 0.95), (100, 0.03, 1.0)):
        rates = {scale: slow_alarms(scale, batches, 0.15, 0.5) for scale in (1.0, 1.5, 1.8, 2.0)}
        print(f"| {batches} | " + " | ".join(f"{100 * rate:.1f} %" for rate in rates.values()) + " |")
        assert rates[1.0] == 0
        assert rates[1.5] <= at_limit
        assert rates[2.0] >= beyond
