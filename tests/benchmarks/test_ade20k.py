"""ADE20K: the official layout in, one sample a label map out; what is missing or broken is named."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.errors import DataError, UnknownName
from benchmarks.registry import benchmark

TABLE = "Idx\tRatio\tTrain\tVal\tName\n1\t0.15\t11664\t1172\twall\n2 \t0.1\t6046\t612\tbed \n3\t0.1\t1\t1\tsea, ocean\n"
LABELS = np.array([[0, 1, 3], [2, 2, 1]], dtype=np.uint8)


@pytest.fixture
def root(tmp_path):
    """A data root with the pictures 1 and 2."""
    base = tmp_path / "ADEChallengeData2016"
    for name in ("images", "annotations"):
        (base / name / "validation").mkdir(parents=True)
    (base / "objectInfo150.txt").write_text(TABLE)
    for number in (2, 1):
        Image.new("RGB", (3, 2)).save(base / f"images/validation/ADE_val_{number:08d}.jpg")
        Image.fromarray(LABELS).save(base / f"annotations/validation/ADE_val_{number:08d}.png")
    return tmp_path


def opened(root):
    return benchmark("ade20k/semantic").open(root, "val", "official")


def test_label_0_is_ignored_and_the_others_move_down(root):
    split = opened(root)
    assert [sample.id for sample in split.samples] == [f"ade20k/semantic/val/ADE_val_{k:08d}" for k in (1, 2)]
    assert split.samples[0].categories == ("wall", "bed", "sea, ocean")
    assert split.samples[0].target.load().tolist() == [[255, 0, 2], [1, 1, 0]]
    assert (split.expected, split.complete, benchmark("ade20k/semantic").found(root)) == (2_000, False, {"val": 2})


def test_the_table_may_have_a_column_for_stuff(root):
    path = root / "ADEChallengeData2016/objectInfo150.txt"
    path.write_text("Idx\tRatio\tTrain\tVal\tStuff\tName\r\n1\t0.15\t1\t1\t1\twall\r\n2\t0.1\t1\t1\t0\tbed\r\n")
    assert opened(root).samples[0].categories == ("wall", "bed")


def test_the_fingerprint_covers_labels_and_names(root):
    first = opened(root)
    assert opened(root).fingerprint == first.fingerprint
    base = root / "ADEChallengeData2016"
    (base / "objectInfo150.txt").write_text(TABLE.replace("wall", "brick"))
    second = opened(root).fingerprint
    Image.fromarray(LABELS[::-1]).save(base / "annotations/validation/ADE_val_00000001.png")
    assert len({first.fingerprint, second, opened(root).fingerprint}) == 3


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (TABLE.replace("2 \t", "4\t"), r"objectInfo150\.txt:3: must be class 2"),
        (TABLE.replace("bed ", " "), r"objectInfo150\.txt:3: must be class 2"),
        (TABLE.replace("\t", " "), r"objectInfo150\.txt:2: must be class 1"),
        ("Idx\tName\n", "lists 0 classes"),
        (b"Idx\tName\n1\tb\xe9ton\n", "byte 12 is not UTF-8 text"),
    ],
)
def test_a_broken_table_is_refused(root, table, words):
    (root / "ADEChallengeData2016/objectInfo150.txt").write_bytes(table if isinstance(table, bytes) else table.encode())
    with pytest.raises(DataError, match=words):
        opened(root)


def test_photos_and_labels_go_in_pairs(root):
    base = root / "ADEChallengeData2016"
    (base / "annotations/validation/ADE_val_00000001.png").unlink()
    with pytest.raises(DataError, match=r"1 photos have no labels \(first: ADE_val_00000001\)"):
        opened(root)
    (base / "images/validation/ADE_val_00000002.jpg").unlink()
    with pytest.raises(DataError, match=r"1 of 1 photos are missing \(ADE_val_00000002\.jpg\)"):
        opened(root)
    (base / "annotations/validation/ADE_val_00000002.png").unlink()
    with pytest.raises(DataError, match="holds no label PNGs: put those of sceneparsing"):
        opened(root)


def test_labels_that_are_no_class_or_of_another_size_are_refused_when_read(root):
    path = root / "ADEChallengeData2016/annotations/validation/ADE_val_00000001.png"
    Image.fromarray(LABELS + 1).save(path)
    with pytest.raises(DataError, match="holds label 4 but there are 3 classes"):
        opened(root).samples[0].target.load()
    Image.fromarray(LABELS.T.copy()).save(path)
    with pytest.raises(DataError, match="is 2x3 but its image 3x2"):
        opened(root).samples[0].target.load()


def test_unknown_splits_are_refused(root):
    with pytest.raises(UnknownName, match="no split of ade20k/semantic is called 'validation'; known: val"):
        benchmark("ade20k/semantic").open(root, "validation", "official")
