"""The RefCOCO readers on written files: samples, ids, errors, and what the cache must never change."""

import json
import os
import pickle
import random
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO

from benchmarks import index_cache, refcoco
from benchmarks.errors import DataError, UnknownName
from benchmarks.registry import benchmark

UNC = benchmark("refcoco/unc")
SHARED = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[2] / "../shared"))


def test_a_sample_carries_the_annotated_facts(tables, write_root):
    root = write_root(tables)
    split = UNC.open(root, "val", "official")
    first, second = split.samples
    assert [sample.id for sample in split.samples] == [
        "refcoco/unc/val/ref-1234/sent-2",
        "refcoco/unc/val/ref-1234/sent-3",
    ]
    assert (first.question, second.question) == ("left cat", "the cat")
    assert first.target.box_xyxy == (10.0, 5.0, 30.0, 15.0)
    assert first.image_id == "7"
    assert first.image.path == root / "images/train2014/COCO_train2014_000000000007.jpg"
    assert first.image.size_hw == (40, 60)
    assert first.image.open_rgb().size == (60, 40)
    assert first.tags == {}


def test_the_mask_is_what_pycocotools_rasterises(tables, write_root, capsys):
    root = write_root(tables)
    (first, _), (edge,) = (UNC.open(root, name, "official").samples for name in ("val", "testA"))
    coco = COCO(root / "refcoco/instances.json")
    for sample, ann_id in ((first, 70), (edge, 90)):
        official = coco.annToRLE(coco.anns[ann_id])
        assert sample.target.mask_rle == {"size": [40, 60], "counts": official["counts"].decode()}


def test_samples_follow_the_order_of_the_file_not_of_the_ids(tables, write_root):
    tables["refs"][1]["split"] = "val"
    tables["refs"][0]["sentences"].reverse()
    ids = [sample.id for sample in UNC.open(write_root(tables), "val", "official").samples]
    assert [name.split("/", 3)[3] for name in ids] == ["ref-1234/sent-3", "ref-1234/sent-2", "ref-1200/sent-8"]


def test_a_kind_becomes_a_tag(tables, write_root):
    tables["refs"][0]["sentences"][1]["kind"] = "superlative"
    tags = [dict(sample.tags) for sample in UNC.open(write_root(tables), "val", "sample").samples]
    assert tags == [{}, {"kind": "superlative"}]


def test_official_data_of_another_count_is_incomplete_and_the_sample_world_has_no_count(tables, write_root):
    root = write_root(tables)
    official = UNC.open(root, "val", "official")
    assert (official.expected, official.complete, len(official.samples)) == (10_834, False, 2)
    sample = UNC.open(root, "val", "sample")
    assert (sample.expected, sample.complete, sample.origin) == (None, True, "sample")


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("refcoco/unc", {"train": 120_624, "val": 10_834, "testA": 5_657, "testB": 5_095}),
        ("refcoco+/unc", {"train": 120_191, "val": 10_758, "testA": 5_726, "testB": 4_889}),
        ("refcocog/umd", {"train": 80_512, "val": 4_896, "test": 9_602}),
        ("refcocog/google", {"train": 85_474, "val": 9_536}),
    ],
)
def test_published_counts(name, counts):
    assert benchmark(name).splits == counts


def test_published_counts_are_those_of_complete_published_files():
    folder = SHARED / "data/rec_full_json"
    if not folder.is_dir():
        pytest.skip("the complete evaluation files are not here")
    for file, name, split in (
        ("refcoco_val", "refcoco/unc", "val"),
        ("refcoco+_testA", "refcoco+/unc", "testA"),
        ("refcocog_val", "refcocog/umd", "val"),
    ):
        assert len(json.loads((folder / f"{file}.json").read_text())) == benchmark(name).splits[split]


def test_a_complete_split_is_complete(tables, write_root):
    sentences = [{"sent_id": n, "sent": "cat", "raw": "cat", "tokens": ["cat"]} for n in range(10_834)]
    tables["refs"][0]["sentences"] = sentences
    assert UNC.open(write_root(tables), "val", "official").complete


def test_splits_present_come_in_official_order_then_others(tables, write_root):
    copies = [tables["refs"][1] | {"ref_id": n, "split": name} for n, name in enumerate(["shifted", "testB"])]
    tables["refs"] = [*copies, tables["refs"][1], tables["refs"][0]]
    root = write_root(tables)
    assert UNC.splits_present(root) == ("val", "testA", "testB", "shifted")
    assert len(UNC.open(root, "shifted", "sample").samples) == 1


def test_a_split_that_is_not_in_the_file_names_those_that_are(tables, write_root):
    root = write_root(tables)
    with pytest.raises(DataError, match=r"refs\(unc\)\.p: holds no expression of split testB, only of val, testA;"):
        UNC.open(root, "testB", "official")
    with pytest.raises(UnknownName, match="did you mean testA"):
        UNC.open(root, "testa", "official")


def test_both_photo_layouts_are_read(tables, write_root):
    root = write_root(tables)
    before = UNC.open(root, "val", "official")
    (root / "images/mscoco/images").mkdir(parents=True)
    shutil.move(root / "images/train2014", root / "images/mscoco/images/train2014")
    after = UNC.open(root, "val", "official")
    assert after.samples[0].image.path == root / "images/mscoco/images/train2014/COCO_train2014_000000000007.jpg"
    assert after.fingerprint == before.fingerprint
    assert UNC.files(root)[2] == root / "images/mscoco/images/train2014"


def test_missing_files_say_where_they_belong(tables, write_root, tmp_path):
    with pytest.raises(DataError, match=r"nowhere does not exist: point --data-root at"):
        UNC.open(tmp_path / "nowhere", "val", "official")
    root = write_root(tables)
    (root / "refcoco/instances.json").rename(tmp_path / "kept.json")
    with pytest.raises(DataError, match=r"refcoco/instances\.json is missing"):
        UNC.open(root, "val", "official")
    (tmp_path / "kept.json").rename(root / "refcoco/instances.json")
    (root / "refcoco/refs(unc).p").unlink()
    with pytest.raises(DataError, match=r"refcoco/refs\(unc\)\.p is missing"):
        UNC.open(root, "val", "official")
    with pytest.raises(DataError, match="is not a folder"):
        UNC.open(root / "refcoco/instances.json", "val", "official")


def test_missing_photos_are_counted_and_the_first_named(tables, write_root):
    root = write_root(tables)
    (root / "images/train2014/COCO_train2014_000000000007.jpg").unlink()
    with pytest.raises(DataError, match=r"train2014: 1 of 1 photos are missing \(COCO_train2014_000000000007\.jpg\)"):
        UNC.open(root, "val", "official")
    assert len(UNC.open(root, "testA", "official").samples) == 1


def test_a_root_without_photos_says_what_is_there_and_what_is_wanted(tables, write_root):
    root = write_root(tables, photos=False)
    wanted = "root holds refcoco but neither images/train2014 nor images/mscoco/images/train2014"
    with pytest.raises(DataError, match=wanted):
        UNC.open(root, "val", "official")


def test_a_second_start_parses_nothing_and_yields_the_same(tables, write_root, monkeypatch):
    tables["refs"][0]["sentences"][0] |= {"sent": "café ☃", "kind": "attribute"}
    root = write_root(tables)
    cold = UNC.open(root, "val", "official")

    def never(*_):
        raise AssertionError("the files were parsed again")

    monkeypatch.setattr(refcoco, "parse_pickle", never)
    monkeypatch.setattr(refcoco, "parse_json", never)
    assert UNC.open(root, "val", "official") == cold
    assert len(UNC.open(root, "testA", "official").samples) == 1


def test_without_a_writable_cache_the_samples_are_the_same(tables, write_root, monkeypatch, tmp_path):
    root = write_root(tables)
    cached = [UNC.open(root, "val", "official") for _ in range(2)]
    (tmp_path / "blocked").write_text("")
    monkeypatch.setenv("REFBENCH_CACHE", str(tmp_path / "blocked"))
    assert [UNC.open(root, "val", "official") for _ in range(2)] == cached


def test_damaged_cache_entries_are_rebuilt(tables, write_root, own_cache):
    root = write_root(tables)
    cold = UNC.open(root, "val", "official")
    entries = list((own_cache / "index").iterdir())
    assert len(entries) == 3
    for entry in entries:
        entry.write_bytes(entry.read_bytes()[:-3])
    assert UNC.open(root, "val", "official") == cold


def test_any_changed_byte_of_content_is_seen(tables, write_root, monkeypatch):
    monkeypatch.setattr(index_cache, "_RACY_NS", 0)
    root = write_root(tables)
    before = UNC.open(root, "val", "official")
    edits = (("refs(unc).p", b"left cat", b"left bat"), ("instances.json", b"[10, 5, 20, 10]", b"[10, 5, 20, 11]"))
    for name, old, new in edits:
        file = root / "refcoco" / name
        stat = file.stat()
        file.write_bytes(file.read_bytes().replace(old, new))
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    after = UNC.open(root, "val", "official")
    assert after.samples[0].question == "left bat"
    assert after.samples[0].target.box_xyxy == (10.0, 5.0, 30.0, 16.0)
    assert after.fingerprint != before.fingerprint


def test_the_fingerprint_is_of_content_alone(tables, write_root, tmp_path):
    root = write_root(tables)
    first = UNC.open(root, "val", "official").fingerprint
    shutil.copytree(root, tmp_path / "elsewhere")
    assert UNC.open(tmp_path / "elsewhere", "val", "sample").fingerprint == first
    # Written down once: it must not change with machines, versions of libraries or the form of the cache.
    assert first == "d49c0c6c50b0e7605cebc7129d86759822972d17fc6ca2fd5cbf110192948bae"


def test_two_partitions_of_one_dataset_do_not_mix(tables, write_root):
    write_root(tables, "refcocog", "umd")
    tables["refs"][0]["sentences"].pop()
    root = write_root(tables, "refcocog", "google")
    for name, count in (("refcocog/umd", 2), ("refcocog/google", 1), ("refcocog/umd", 2)):
        samples = benchmark(name).open(root, "val", "official").samples
        assert len(samples) == count
        assert samples[0].id == f"{name}/val/ref-1234/sent-2"


@given(seed=st.integers(0, 2**32), protocol=st.integers(0, 4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_what_is_written_is_read(tmp_path, seed, protocol):
    rng = random.Random(seed)
    root = tmp_path / "random"
    wanted = write_random(root, rng, protocol)
    read = [sample for split in ("val", "testA") if wanted[split] for sample in UNC.open(root, split, "sample").samples]
    assert [(s.id, s.question, s.target.box_xyxy, s.image.path.name) for s in read] == wanted["val"] + wanted["testA"]


def write_random(root: Path, rng: random.Random, protocol: int) -> dict[str, list[tuple]]:
    """Write random refs and return what must be read from them, by split."""
    for folder in ("refcoco", "images/train2014"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    sides = [rng.randint(20, 99) for _ in range(8)]
    images = [{"id": n, "file_name": f"p{n}.jpg", "height": sides[n], "width": sides[n + 4]} for n in range(4)]
    for image in images:
        (root / "images/train2014" / image["file_name"]).touch()
    annotations, refs = [], []
    wanted: dict[str, list[tuple]] = {"val": [], "testA": []}
    for ref_id in rng.sample(range(1000), rng.randint(1, 8)):
        image, ann_id, split = rng.choice(images), ref_id + 5000, rng.choice(["val", "testA"])
        x, y = rng.randint(0, 9), rng.randint(0, 9) / 7
        outline = [x, y, x + 6.5, y, x + 6.5, y + 9, x, y + 9]
        annotations.append({"id": ann_id, "image_id": image["id"], "bbox": [x, y, 6.5, 9], "segmentation": [outline]})
        words = ["a", "é", "right ☃", "\n b"]
        texts = {n: rng.choice(words) * rng.randint(1, 3) for n in rng.sample(range(99), rng.randint(1, 3))}
        refs.append(
            {"ref_id": ref_id, "ann_id": ann_id, "image_id": image["id"], "split": split,
             "sentences": [{"sent_id": n, "sent": text} for n, text in texts.items()]}
        )  # fmt: skip
        box = (float(x), float(y), x + 6.5, y + 9)
        name = f"refcoco/unc/{split}/ref-{ref_id}/sent-"
        wanted[split] += [(f"{name}{n}", text, box, image["file_name"]) for n, text in texts.items()]
    (root / "refcoco/refs(unc).p").write_bytes(pickle.dumps(refs, protocol))
    (root / "refcoco/instances.json").write_text(json.dumps({"images": images, "annotations": annotations}))
    return wanted
