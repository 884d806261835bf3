"""The kind `reasonseg` against counts by hand, and the task through the command line."""

import json

import numpy as np
import pytest

from benchmarks.schema import Group, ImageRef, Instance, Prediction, Sample
from benchmarks.truth import MapTarget
from metrics import masks, res
from tasks.reasonseg import measure, perfect

WORDS = ("eval", "--task", "reasonseg", "--json")


def truth(*rows):
    """'#' is the target, '?' is not scored."""
    return np.array([[{"#": 1, "?": 255, ".": 0}[char] for char in row] for row in rows], dtype=np.uint8)


def mask(*rows):
    return masks.encode(np.array([[char == "#" for char in row] for row in rows]))


@pytest.fixture
def sample(tmp_path):
    def make(*rows):
        values = truth(*rows)
        return Sample("s", ImageRef(tmp_path / "none.jpg", values.shape), "s", "what?", MapTarget(lambda: values))

    return make


def answer(*found, status="ok"):
    return Prediction("s", status, groups=(Group("it", "mask", tuple(Instance(mask_rle=each) for each in found)),))


def row(sample, prediction):
    return measure(sample, prediction)["res_lisa"]


def test_pixels_that_are_not_scored_count_neither_way(sample):
    found = row(sample("##??", "...."), answer(mask("#.#.", "...#")))
    assert found == {"inter": 1, "union": 3, "missing": 0}


def test_several_masks_count_as_their_union(sample):
    assert row(sample("##..", "...."), answer(mask("#...", "...."), mask(".##.", "....")))["union"] == 3


def test_no_mask_says_that_nothing_is_meant_and_a_failure_says_nothing(sample):
    nothing = sample("..??", "....")
    right, failed = row(nothing, answer()), row(nothing, answer(status="failed"))
    assert (right["union"], failed["union"]) == (0, 1)
    assert res.aggregate_lisa([right])["giou"] == 1
    assert res.aggregate_lisa([failed])["giou"] == 0
    assert row(sample("##..", "...."), answer(status="parse_error")) == {"inter": 0, "union": 2, "missing": 1}


def test_the_perfect_answer_to_nothing_is_no_mask(sample):
    assert perfect(sample("..??")).masks() == []
    assert row(sample("#.??"), perfect(sample("#.??"))) == {"inter": 1, "union": 1, "missing": 0}


def test_the_oracle_is_perfect_and_the_constant_is_not_on_short_and_long_instructions(refbench, small_world):
    for line in refbench(*WORDS, "--model", "oracle", "--data-root", small_world).json["rows"]:
        assert line["metrics"] == pytest.approx({"ciou": 1, "giou": 1}, abs=1e-6)  # LISA adds 1e-5 to every union
    rows = refbench(*WORDS, "--model", "constant", "--data-root", small_world).json["rows"]
    assert [line["split"] for line in rows] == ["val", "test"]
    for line in rows:
        assert max(line["metrics"].values()) < 0.4
        assert set(line["intervals"]) == {"ciou", "giou"}


def test_handed_in_masks_are_scored_by_slices_of_the_length_of_instructions(refbench, small_world, tmp_path):
    from benchmarks.registry import benchmark
    from tasks import kinds
    from tasks.score import score

    samples = benchmark("reasonseg").open(small_world, "test", "sample").samples
    lines = [{"sample_id": s.id, "mask_rle": perfect(s).masks()[0]} for s in samples[1:]]
    (path := tmp_path / "answers.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    words = ("score", "--task", "reasonseg", "--predictions", path, "--data-root", small_world, "--json")
    done = refbench(*words).json
    assert (done["n"], done["missing"], done["protocol"]) == (len(samples), 1, "res/1 variant=lisa")
    assert done["metrics"]["giou"] == pytest.approx((len(samples) - 1) / len(samples), abs=1e-6)
    slices = score(kinds.find("reasonseg"), samples, [perfect(s) for s in samples]).slices
    assert sum(part.n for part in slices["query"].values()) == len(samples)
