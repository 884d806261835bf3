"""The registry finds benchmarks by itself, and quickly."""

import subprocess
import sys

import pytest

from benchmarks.errors import UnknownName
from benchmarks.registry import benchmark, benchmarks


def test_the_refcoco_family_is_listed_in_order():
    names = [entry.name for entry in benchmarks()]
    assert names == sorted(names)
    assert {"refcoco/unc", "refcoco+/unc", "refcocog/umd", "refcocog/google"} <= set(names)


def test_every_benchmark_states_source_paper_licence_and_where_to_get_it():
    for entry in benchmarks():
        assert "icence" in entry.card and "arXiv" in entry.card
        assert entry.where
        assert all(count >= 0 for count in entry.splits.values())  # 0 where nobody published one
        assert benchmark(entry.name) is entry


def test_an_unknown_name_gets_a_suggestion():
    with pytest.raises(UnknownName, match="no benchmark is called 'refcocog/udm'; did you mean refcocog/umd"):
        benchmark("refcocog/udm")


def test_listing_imports_nothing_heavy():
    program = (
        "import sys; from benchmarks.registry import benchmarks; benchmarks();"
        "print([name for name in ('numpy', 'pycocotools', 'torch', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
