"""`--compile`: who bears it says so, it is part of what a run is, and tracing changes no digit."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.errors import ConfigError
from benchmarks.schema import ImageRef, Query
from tasks.base import LoadOptions
from tasks.models import refvlm


def test_a_model_that_does_not_say_it_bears_it_is_refused_before_anything_is_opened(refbench):
    outcome = refbench("eval", "--task", "refcoco_rec", "--model", "oracle", "--data-root", "nowhere", "--compile")
    assert (outcome.code, outcome.out) == (2, "")
    assert "model oracle cannot be compiled" in outcome.err


def test_the_entry_is_told_and_compiled_runs_are_runs_of_their_own(go, toy):
    told: list[LoadOptions] = []

    def load(options):
        told.append(options)
        return toy.Steady()

    entry = toy.make_entry(None, load=load, compiles=True, fingerprint=lambda options: "steady")
    plain, compiled = go(entry=entry), go(entry=entry, compiled=True)
    assert [options.compiled for options in told] == [False, True]
    assert plain.run != compiled.run
    with pytest.raises(ConfigError, match="cannot be compiled"):
        go(entry=replace(entry, compiles=False), compiled=True, fresh=True)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_tracing_the_reference_model_changes_no_answer(tmp_path):
    """The backend "eager" runs what was traced with the very kernels of the model, so that the digits are the same."""
    path = tmp_path / "photo.png"
    Image.effect_noise((96, 128), 60).convert("RGB").save(path)
    asked = [Query("a", ImageRef(Path(path), (128, 96)), "the red ball", "Locate the red ball.", "box")]
    asked.append(replace(asked[0], sample_id="b", prompt="Segment the large blue square on the left.", wants="mask"))
    model = refvlm.load(LoadOptions())
    before = [model.predict(queries) for queries in (asked, asked[:1])]
    model.compile(backend="eager")
    assert [model.predict(queries) for queries in (asked, asked[:1])] == before
