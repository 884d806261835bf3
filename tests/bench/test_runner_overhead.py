"""What the run loop costs beside the model; run with -m bench -s.

REFBENCH_LM_EVAL names a Python with lm-evaluation-harness in it, for the same number of samples in its simplest job:
its dummy model, a short generated answer, exact match. Without it, that part is skipped.
"""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from benchmarks.schema import Group, ImageRef, Instance, Prediction, Sample, Split, Target
from tasks import kinds
from tasks.base import ModelEntry, Task
from tasks.run import RunOptions, evaluate

pytestmark = pytest.mark.bench
SAMPLES, BUSY_SAMPLES, BUSY_S = 20_000, (25, 275), 0.02
SIZE_HW = (480, 640)
TASK_YAML = """task: refbench_peer
dataset_path: json
dataset_kwargs: {data_files: {test: DATA}}
test_split: test
output_type: generate_until
doc_to_text: "{{question}}"
doc_to_target: "{{answer}}"
generation_kwargs: {until: ["\\n"], max_gen_toks: 8}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
"""


class Model:
    """One box for every question, after a busy wait per sample."""

    def __init__(self, busy_s=0.0):
        self._busy_s = busy_s
        self.worked_s = 0.0

    def predict(self, queries):
        start = time.process_time()
        while time.process_time() - start < self._busy_s * len(queries):
            pass
        answers = [self._answer(query) for query in queries]
        self.worked_s += time.process_time() - start
        return answers

    def fingerprint(self):
        return "toy"

    def _answer(self, query):
        group = Group("thing", "box", (Instance(0.5, (10.0, 10.0, 100.0, 100.0)),))
        return Prediction(query.sample_id, "ok", "<p>thing</p>", query.prompt, (group,))


def sample(number):
    x, y = float(number * 7 % 400), float(number * 11 % 300)
    image = ImageRef(Path(f"{number // 3}.jpg"), SIZE_HW)
    target = Target((x, y, x + 120, y + 90), {"size": list(SIZE_HW), "counts": "0"})
    return Sample(f"toy/val/{number}", image, f"image-{number // 3}", "the man in red on the left", target)


def spent(out, count, model, batch_size):
    """Run, and return (processor seconds, wall seconds)."""
    task = Task("toy_rec", kinds.find("rec"), "toy", ("val",), "locate_expression")
    split = Split("toy", "val", "sample", None, "f00d", tuple(map(sample, range(count))))
    entry = ModelEntry("toy", "toy", ("box",), lambda options: model)
    cpu, wall = time.process_time(), time.perf_counter()
    record = evaluate(task, split, entry, RunOptions(out=out, batch_size=batch_size))
    assert (record.n, record.failed) == (count, 0)
    return time.process_time() - cpu, time.perf_counter() - wall


@pytest.mark.timeout(1800)
def test_samples_a_second_of_a_model_that_costs_nothing(tmp_path):
    spent(tmp_path / "warm", 100, Model(), 32)
    cpu, wall = spent(tmp_path / "runs", SAMPLES, Model(), 32)
    print(f"\n{SAMPLES} REC samples: {SAMPLES / cpu:.0f} samples per processor second, {SAMPLES / wall:.0f} per second")
    print(f"{1e6 * cpu / SAMPLES:.0f} us of one core per sample, scores with intervals included; target 333 us")
    assert lines_below(tmp_path / "runs") == SAMPLES


@pytest.mark.parametrize("batch_size", [1, 8])
def test_share_of_the_run_loop_beside_a_model_of_20_ms(tmp_path, batch_size):
    beside = {}
    for count in (16, *BUSY_SAMPLES):
        model = Model(BUSY_S)
        beside[count] = spent(tmp_path / f"{count}", count, model, batch_size)[0] - model.worked_s
    few, many = BUSY_SAMPLES
    each = (beside[many] - beside[few]) / (many - few)
    print(f"\nsamples of 20 ms, {batch_size} at once: the run loop adds {100 * each / BUSY_S:.2f} %; target 2 %")
    print(f"{1e6 * each:.0f} us per sample, and {1e3 * (beside[few] - few * each):.0f} ms per run for its record")
    assert [lines_below(tmp_path / f"{count}") for count in BUSY_SAMPLES] == list(BUSY_SAMPLES)


@pytest.mark.timeout(1800)
def test_the_simplest_job_of_lm_evaluation_harness(tmp_path):
    python = os.environ.get("REFBENCH_LM_EVAL")
    if not python:
        pytest.skip("REFBENCH_LM_EVAL names no Python that has lm_eval")
    data = tmp_path / "data.jsonl"
    data.write_text("".join(json.dumps({"question": f"what is {k}?", "answer": "x"}) + "\n" for k in range(SAMPLES)))
    (tmp_path / "peer.yaml").write_text(TASK_YAML.replace("DATA", str(data)))
    seconds = {count: _peer(python, tmp_path, count) for count in (100, SAMPLES)}
    peer = (SAMPLES - 100) / (seconds[SAMPLES] - seconds[100])
    spent(tmp_path / "warm", 100, Model(), 32)
    ours = SAMPLES / spent(tmp_path / "runs", SAMPLES, Model(), 32)[0]
    print(f"\nper processor second: lm_eval {peer:.0f} samples (start-up taken off), refbench {ours:.0f}")
    print(f"{ours / peer:.1f} x")
    assert lines_below(tmp_path / "runs") == lines_below(tmp_path / f"peer-{SAMPLES}", "samples_*.jsonl") == SAMPLES


def lines_below(folder, name="predictions.jsonl"):
    """How many answers a run has left."""
    (path,) = folder.rglob(name)
    return len(path.read_bytes().splitlines())


def _peer(python, folder, count):
    """Processor seconds of lm_eval with its dummy model."""
    words = ["--model", "dummy", "--tasks", "refbench_peer", "--include_path", str(folder), "--limit", str(count)]
    words += ["--output_path", str(folder / f"peer-{count}"), "--log_samples"]
    environment = {**os.environ, "HF_HOME": str(folder / "cache"), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    before = os.times()
    done = subprocess.run(
        [python, "-m", "lm_eval", *words], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system
