"""What a start may import: no help waits for torch, and nothing but a model needs it."""

import subprocess
import sys

import pytest

from tasks.cli import COMMANDS

HEAVY = ("torch", "pandas", "transformers", "numpy", "scipy", "PIL", "pydantic", "yaml")
WITHOUT_TORCH = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "transformers", "pandas"):
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocker())
"""
RUN = "from tasks.cli import main\ncode = main(sys.argv[1:])\n"


def python(program: str, *words: str, cwd) -> subprocess.CompletedProcess[str]:
    """Run a program in a fresh interpreter, as the console script would."""
    return subprocess.run(
        [sys.executable, "-c", program, *words], cwd=cwd, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize("words", ["--help", "--version", *(f"{name} --help" for name in COMMANDS)])
def test_help_imports_no_library(tmp_path, words):
    report = f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)\n"
    done = python(f"import sys\n{RUN}{report}", *words.split(), cwd=tmp_path)
    assert (done.returncode, done.stderr.strip()) == (0, "[]")


@pytest.mark.parametrize("words", ["tasks", "tasks refcocog_res", "models", "models refvlm", "metrics", "data status"])
def test_lists_work_without_torch(tmp_path, words):
    done = python(f"{WITHOUT_TORCH}{RUN}sys.exit(code)", *words.split(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_evaluating_and_scoring_work_without_torch(tmp_path, small_world):
    words = ["--task", "refcocog_res", "--data-root", str(small_world)]
    program = f"{WITHOUT_TORCH}{RUN}sys.exit(code)"
    done = python(program, "eval", *words, "--model", "oracle", "--split", "val", "--device", "cpu", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    [predictions] = tmp_path.rglob("predictions.jsonl")
    done = python(program, "score", *words, "--predictions", str(predictions), "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert '"ciou": 1.0' in done.stdout


def test_packages_below_the_model_import_without_torch(tmp_path):
    program = (
        f"{WITHOUT_TORCH}"
        "import importlib, pkgutil\n"
        "import benchmarks, metrics, results\n"
        "for package in (benchmarks, metrics, results):\n"
        "    for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        importlib.import_module(module.name)\n"
    )
    done = python(program, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_blocker_blocks(tmp_path):
    done = python(f"{WITHOUT_TORCH}import torch", cwd=tmp_path)
    assert "torch is blocked" in done.stderr


def test_importing_the_tasks_has_no_side_effect(tmp_path):
    program = "import tasks.registry, tasks.run, tasks.models.registry as r\nr.all_models()"
    done = python(program, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
