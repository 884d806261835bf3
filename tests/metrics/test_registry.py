"""A metric family joins by being a file in the package."""

import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

from metrics import registry
from metrics.rec import REC, REC_GT
from metrics.res import RES


def names(entries):
    return [entry.name for entry in entries]


@pytest.fixture
def modules(monkeypatch):
    """Replace the modules of the package; the caches are bypassed through `__wrapped__`."""

    def install(**content):
        fakes = [SimpleNamespace(__name__=name, **lists) for name, lists in content.items()]
        monkeypatch.setattr(registry, "_modules", lambda: fakes)

    return install


def test_families_of_this_package_are_found_and_sorted():
    assert {"rec", "res", "gres", "depth", "panoptic"} <= set(names(registry.metrics()))
    assert {"rec", "res", "gres", "bbox", "segm", "keypoints"} <= set(names(registry.scorers()))
    assert names(registry.metrics()) == sorted(names(registry.metrics()))
    assert names(registry.scorers()) == sorted(names(registry.scorers()))


def test_every_entry_states_its_rules():
    for entry in [*registry.metrics(), *registry.scorers()]:
        assert entry.card.definition and entry.card.source and entry.card.keys and entry.card.edge_rules, entry.name
        assert entry.card.unit and entry.card.range[0] in (0.0,), entry.name
    named = {metric.name for metric in registry.metrics()}
    for entry in [*registry.metrics(), *(scorer for scorer in registry.scorers() if scorer.name not in named)]:
        assert "/" in entry.protocol, entry.name
        assert entry.headline in entry.card.keys or entry.headline.partition("@")[0] + "@T" in entry.card.keys
    for scorer in registry.scorers():
        assert scorer.targets and scorer.predictions, scorer.name


def test_a_new_file_is_enough(modules):
    modules(old={"METRICS": [REC]}, new={"METRICS": [RES]}, silent={})
    assert registry.metrics.__wrapped__() == (REC, RES)


def test_the_same_object_may_be_listed_twice_but_a_name_may_not(modules):
    modules(one={"METRICS": [REC]}, two={"METRICS": [REC, REC_GT]})
    assert registry.metrics.__wrapped__() == (REC, REC_GT)
    modules(one={"METRICS": [REC]}, two={"METRICS": [replace(RES, name="rec")]})
    with pytest.raises(ValueError, match="METRICS of two and one both define 'rec'"):
        registry.metrics.__wrapped__()


def test_a_list_of_something_else_is_refused(modules):
    modules(odd={"SCORERS": ["rec"]})
    with pytest.raises(TypeError, match="SCORERS of odd holds 'rec', which is no Scorer"):
        registry.scorers.__wrapped__()


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_importing_the_registry_imports_no_family():
    loaded = python("import sys, metrics.registry; print(*(m for m in sys.modules if m.split('.')[0] == 'metrics'))")
    assert sorted(loaded) == ["metrics", "metrics.base", "metrics.registry"]


def test_listing_all_needs_no_heavy_package():
    code = "import sys; from metrics import registry; registry.metrics(); registry.scorers(); print(*sys.modules)"
    heavy = {"torch", "transformers", "scipy", "pandas", "hotcoco", "pycocoevalcap", "matplotlib"}
    assert not heavy & set(python(code))
