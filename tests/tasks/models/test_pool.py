from dataclasses import replace

from tasks.base import LoadOptions, ModelEntry
from tasks.models.pool import ModelPool


class Named:
    """A model that is its options."""

    def __init__(self, options):
        self.options = options

    def predict(self, queries):
        return []

    def fingerprint(self):
        return f"loaded {self.options.seed}"


def test_a_model_is_loaded_again_only_for_other_options():
    loads = []

    def load(options):
        loads.append(options)
        return Named(options)

    entry, pool = ModelEntry("named", "toy", (), load), ModelPool()
    first = pool.get(entry, LoadOptions())
    assert pool.get(entry, LoadOptions()) is first
    assert pool.get(entry, LoadOptions(seed=1)) is not first
    assert len(loads) == 2


def test_a_fingerprint_needs_no_loading_where_the_entry_knows_it():
    entry = ModelEntry("named", "toy", (), Named)
    assert ModelPool().fingerprint(entry, LoadOptions(seed=3)) == "loaded 3"
    cheap = replace(entry, load=None, fingerprint=lambda options: f"cheap {options.seed}")
    assert ModelPool().fingerprint(cheap, LoadOptions(seed=3)) == "cheap 3"
