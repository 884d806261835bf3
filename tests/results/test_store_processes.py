"""Several processes, not only threads, fill, list and empty one folder of runs at the same time."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from results.index import NAME
from results.store import Store

RUNS, PROCESSES = 12, 4
WORK = """
import sys
from pathlib import Path

from metrics.errors import DataError
from results import shelf
from results.store import Store

source, target, turn = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
target.mkdir(exist_ok=True)
runs = Store(source).runs()
brought = [shelf.bring(run, target) is not None for run in runs[turn:] + runs[:turn]]
for _ in range(5):
    listed, problems = Store(target).listing()
    assert len(listed) == len(runs) and not problems, (len(listed), problems)
mine = [run for at, run in enumerate(Store(target).runs()) if at % 4 == turn % 4 and at % 2]
print(sum(brought))
sys.stdout.flush()
sys.stdin.readline()
for run in mine:
    shelf.remove(run, target)
    Store(target).listing()
"""


@pytest.fixture
def source(tmp_path, make_record):
    """Finished runs of elsewhere."""
    for at in range(RUNS):
        folder = tmp_path / "source" / f"test-{at:010x}"
        folder.mkdir(parents=True)
        record = replace(make_record(), model=f"model{at % 3}", metrics={"acc@0.5": at / RUNS})
        (folder / "result.json").write_text(json.dumps(record.to_json()))
        (folder / "run.json").write_text("{}")
    return tmp_path / "source"


def test_processes_that_import_list_and_delete_at_once_neither_lose_nor_double_a_run(source, tmp_path):
    target = tmp_path / "target"
    crew = [
        subprocess.Popen(
            [sys.executable, "-c", WORK, source, target, str(turn)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for turn in range(PROCESSES)
    ]  # fmt: skip
    brought = [int(each.stdout.readline() or -1) for each in crew]
    assert sum(brought) == RUNS, [each.stderr.read() for each in crew]
    assert len(Store(target).runs()) == RUNS
    ends = [each.communicate("go\n", timeout=60) for each in crew]
    assert [each.returncode for each in crew] == [0] * PROCESSES, ends
    left, problems = Store(target).listing()
    assert (len(left), problems) == (RUNS // 2, [])
    assert not [path for path in target.rglob(".*") if path.name != NAME and path.name != ".lock"]
    (target / NAME).unlink()
    assert Store(target).runs() == left, "the index said what is there"
