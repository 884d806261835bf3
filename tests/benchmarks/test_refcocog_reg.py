import os
from pathlib import Path

import pytest

from benchmarks.errors import DataError, UnknownName
from benchmarks.registry import benchmark

REAL = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[2] / "../shared")) / "data/refcoco_mini"
REG = benchmark("refcocog_reg/umd")


@pytest.fixture
def root(tables, write_root):
    tables["refs"][1]["split"] = "test"
    return write_root(tables, folder="refcocog", partition="umd")


def test_an_object_is_a_sample_with_all_its_sentences(root):
    [sample] = REG.open(root, "val", "official").samples
    assert (sample.id, sample.image_id, sample.question) == ("refcocog_reg/umd/val/ref-1234", "7", "")
    assert sample.target.answers == ("left cat", "the cat")
    [region] = sample.regions
    assert (region.kind, region.box_xyxy) == ("box", (10, 5, 30, 15))
    assert region.mask_rle["size"] == [40, 60]
    assert REG.found(root) == {"val": 1, "test": 1}
    assert REG.found(root) == {"val": 1, "test": 1}  # from the cache


def test_the_query_shows_the_region_and_no_reference(root):
    [sample] = REG.open(root, "val", "official").samples
    query = sample.query("Describe it.", "text")
    assert query.regions == sample.regions
    assert "cat" not in repr(query.question) + query.prompt


def test_the_fingerprint_follows_the_expressions(tables, write_root, root):
    before = REG.open(root, "val", "official").fingerprint
    tables["refs"][0]["sentences"][0]["sent"] = "another"
    assert REG.open(write_root(tables, "refcocog", "umd"), "val", "official").fingerprint != before


def test_what_the_reader_of_expressions_refuses_is_refused(tables, write_root, tmp_path):
    tables["annotations"][0]["bbox"] = [10, 5, 0, 10]
    with pytest.raises(DataError, match="bbox has no area"):
        REG.open(write_root(tables, "refcocog", "umd"), "val", "official")
    with pytest.raises(UnknownName, match="no split of refcocog_reg/umd is called 'testA'"):
        REG.open(tmp_path, "testA", "official")
    with pytest.raises(DataError, match=r"refs\(umd\)\.p is missing"):
        REG.found(tmp_path)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real photos are not here")
def test_real_objects_keep_their_real_expressions():
    samples = [sample for split in REG.found(REAL) for sample in REG.open(REAL, split, "official").samples]
    assert len(samples) == 3
    assert sum(len(sample.target.answers) for sample in samples) == 6
    assert all(sample.image.open_rgb().size == sample.image.size_hw[::-1] for sample in samples)
