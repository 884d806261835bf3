import pytest

from benchmarks.schema import ImageRef, Sample, TextTarget
from benchmarks.splits import build_split


@pytest.fixture
def sample(tmp_path):
    return Sample("b/test/1", ImageRef(tmp_path / "none.jpg", (3, 4)), "1", "what?", TextTarget(("x",)))


def test_official_data_has_a_count_to_reach_and_the_sample_world_has_none(sample):
    official = build_split("b", "test", "official", 2, [sample], [])
    assert (official.benchmark, official.name, official.samples) == ("b", "test", (sample,))
    assert (official.expected, official.complete) == (2, False)
    assert build_split("b", "test", "official", 1, [sample], []).complete
    assert build_split("b", "test", "sample", 2, [sample], []).expected is None


def test_the_fingerprint_depends_on_names_facts_and_their_order():
    def fingerprint(*facts, benchmark="b", split="test"):
        return build_split(benchmark, split, "sample", 1, [], facts).fingerprint

    assert fingerprint(["a", 1], ["b"]) == fingerprint(("a", 1), ("b",))
    different = [
        fingerprint(["a"], ["b"]), fingerprint(["b"], ["a"]), fingerprint(["a", "b"]), fingerprint(),
        fingerprint(["a"], ["b"], split="val"), fingerprint(["a"], ["b"], benchmark="c"),
    ]  # fmt: skip
    assert len(set(different)) == len(different)
