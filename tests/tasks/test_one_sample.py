import pytest

from benchmarks.errors import ConfigError, UnknownName
from benchmarks.registry import benchmarks
from tasks import one_sample
from tasks.data import Data


@pytest.fixture
def data(small_world):
    return Data(small_world, "sample")


@pytest.mark.parametrize("each", benchmarks(), ids=lambda each: each.name)
def test_every_sample_is_found_by_its_id_and_every_split_by_its_name(each, data):
    split = each.splits_present(data.root)[0]
    samples = each.open(data.root, split, data.origin).samples
    for sample in (samples[0], samples[-1]):
        found = one_sample.find(sample.id, data)
        assert (found.id, found.image, found.question) == (sample.id, sample.image, sample.question)
    assert one_sample.find(f"{each.name}/{split}", data).id == samples[0].id


def test_the_longest_name_of_a_benchmark_counts(data):
    assert one_sample.split_of("coco/panoptic/val2017", data).benchmark == "coco/panoptic"
    assert one_sample.split_of("coco/val2017", data).benchmark == "coco"


def test_an_unknown_sample_names_the_nearest(data):
    known = one_sample.split_of("refcoco/unc/val", data).samples[0].id
    with pytest.raises(UnknownName, match=f"no sample of refcoco/unc val is called '{known}0'; did you mean "):
        one_sample.find(f"{known}0", data)


def test_an_unknown_split_names_the_known(data):
    with pytest.raises(UnknownName, match="no split of refcoco/unc is called 'tesA'; did you mean testA"):
        one_sample.find("refcoco/unc/tesA/ref-1", data)


@pytest.mark.parametrize("text", ["", "photo.jpg", "refcoco", "refcoco/un/val"])
def test_what_is_no_id_is_refused(text, data):
    with pytest.raises(ConfigError, match="is no id of a sample: one is benchmark/split/…"):
        one_sample.find(text, data)
