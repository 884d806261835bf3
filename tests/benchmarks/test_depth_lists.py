"""Test lists of depth: the two real ones whole, and every way in which a line can be broken."""

import os
from pathlib import Path

import pytest

from benchmarks.depth_lists import find, read
from benchmarks.errors import DataError

SHARED = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[2] / "../shared"))
LISTS = SHARED / "data/depth_splits"


@pytest.fixture
def listing(tmp_path):
    def write(content):
        path = tmp_path / "list.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.skipif(not LISTS.is_dir(), reason="the real lists are absent")
def test_the_real_lists_have_their_published_lines():
    nyu = read(LISTS / "nyudepthv2_test_files_with_gt.txt")
    kitti = read(LISTS / "kitti_eigen_test_files_with_gt.txt")
    assert (len(nyu), len(kitti), sum(line.depth is None for line in kitti)) == (654, 697, 45)
    assert (nyu[0].photo, nyu[0].depth) == ("bathroom/rgb_00045.jpg", "bathroom/sync_depth_00045.png")


def test_empty_lines_are_passed_over_and_places_are_told(listing):
    path = listing("a.jpg None 1\r\n\n  b.jpg b.png 518.8579  ")
    lines = read(path)
    assert [(line.photo, line.depth, line.place) for line in lines] == [
        ("a.jpg", None, f"{path}:1"),
        ("b.jpg", "b.png", f"{path}:3"),
    ]


@pytest.mark.parametrize("path", ["/etc/x", "../a.png", "a/../../b.png", "a\\b.png", "C:/a.png", "a//b.png", "./a"])
@pytest.mark.parametrize("line", ["{} a.png 1", "a.jpg {} 1"], ids=["photo", "depth"])
def test_paths_that_leave_their_folder_are_refused(listing, line, path):
    with pytest.raises(DataError, match=r"list\.txt:1: path .* must be plain and stay below"):
        read(listing(line.format(path)))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "lists no photo"),
        ("a.jpg a.png", "2 words, not the three"),
        ("a.jpg a.png 1 2", "4 words, not the three"),
        ("a.jpg a.png far", "focal length 'far' is no number above 0"),
        ("a.jpg a.png nan", "focal length 'nan' is no number above 0"),
        ("a.jpg a.png 1\na.jpg b.png 1", r"a\.jpg is listed a second time, first in .*list\.txt:1"),
        ("a.jpg a.png 1\nb.jpg a.png 1", r"a\.png is listed a second time"),
        (b"a.jpg \xff.png 1", "byte 6 is not UTF-8"),
    ],
)
def test_broken_lists_are_told(listing, content, said):
    with pytest.raises(DataError, match=said):
        read(listing(content))


def test_a_list_is_looked_for_in_several_folders_and_missed_in_the_first(tmp_path):
    assert find(tmp_path, "l.txt", ("a", "b")) == tmp_path / "a/l.txt"
    (tmp_path / "b").mkdir()
    (tmp_path / "b/l.txt").write_text("")
    assert find(tmp_path, "l.txt", ("a", "b")) == tmp_path / "b/l.txt"
    with pytest.raises(DataError, match="is missing"):
        read(tmp_path / "a/l.txt")
