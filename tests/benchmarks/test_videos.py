import json

import pytest
from PIL import Image

from benchmarks.errors import DataError, UnknownName
from benchmarks.registry import benchmark

MSRVTT, TGIF = benchmark("msrvtt/captions"), benchmark("tgif/captions")
ADDRESS = "https://38.media.tumblr.com/ab/{}.gif"


def video(name="video7", split="test", **changes):
    return {"id": 7, "video_id": name, "category": 3, "split": split, **changes}


def sentence(name="video7", caption="a dog runs"):
    return {"sen_id": 1, "video_id": name, "caption": caption}


def write_frames(folder, names, size=(6, 4)):
    folder.mkdir(parents=True)
    for name in names:
        Image.new("RGB", size).save(folder / name)


@pytest.fixture
def msrvtt(tmp_path):
    """Write MSR-VTT with the frames of `video7`; return the data root."""

    def run(videos, sentences, file="test_videodatainfo.json"):
        write_frames(tmp_path / "msrvtt" / "frames" / "video7", ["f1.jpg", "f10.jpg", "f2.png", "f9.JPEG"])
        (tmp_path / "msrvtt" / "frames" / "video7" / "notes.txt").write_text("not a frame")
        (tmp_path / "msrvtt" / file).write_text(json.dumps({"videos": videos, "sentences": sentences}))
        return tmp_path

    return run


@pytest.fixture
def tgif(tmp_path):
    """Write TGIF with the frames of `x1`; return the data root."""

    def run(table, split):
        write_frames(tmp_path / "tgif" / "frames" / "x1", ["1.jpg"])
        (tmp_path / "tgif" / "splits").mkdir()
        (tmp_path / "tgif" / "tgif-v1.0.tsv").write_bytes(table if isinstance(table, bytes) else table.encode())
        (tmp_path / "tgif" / "splits" / "test.txt").write_text(split)
        return tmp_path

    return run


@pytest.mark.parametrize("file", ["test_videodatainfo.json", "videodatainfo_2016.json"])
def test_a_video_is_a_sample_with_its_frames_in_order_of_time(msrvtt, file):
    root = msrvtt(
        [video("video1", "train"), video()], [sentence(), sentence("video1"), sentence(caption="a running dog")], file
    )
    split = MSRVTT.open(root, "test", "official")
    [sample] = split.samples
    assert (sample.id, sample.image_id, sample.tags) == (
        "msrvtt/captions/test/video-video7",
        "video7",
        {"category": "3"},
    )
    assert sample.target.answers == ("a dog runs", "a running dog")
    assert [frame.path.name for frame in sample.frames] == ["f1.jpg", "f2.png", "f9.JPEG", "f10.jpg"]
    assert sample.image == sample.frames[0]
    assert sample.query("Describe it.", "text").frames == sample.frames
    assert (split.expected, split.complete, MSRVTT.found(root)) == (2_990, False, {"test": 1})


def test_a_frame_of_another_size_is_told_when_it_is_decoded(msrvtt):
    root = msrvtt([video()], [sentence()])
    Image.new("RGB", (7, 4)).save(root / "msrvtt" / "frames" / "video7" / "f11.jpg")
    [sample] = MSRVTT.open(root, "test", "official").samples
    with pytest.raises(DataError, match=r"f11\.jpg is 7x4 but its annotation says 6x4"):
        sample.frames[-1].open_rgb()


@pytest.mark.parametrize(
    ("videos", "sentences", "words"),
    [
        ([video(), video("video8")], [sentence(), sentence("video8")], r"1 of 2 videos have no frames \(video8\)"),
        ([video()], [sentence("video9")], r"sentences\[0\] is of video9, which is not listed"),
        ([video(), video("video8")], [sentence()], "video8 has no sentence"),
        ([video(), video()], [sentence()], "video video7 comes twice"),
        ([video("../video7")], [sentence("../video7")], "must be a plain name"),
        ([video(7)], [sentence()], "video_id must be a text, got 7"),
        ([video()], [sentence(caption=None)], r"sentences\[0\]: caption must be a text"),
        ([video(split="train")], [sentence()], "holds nothing of split test"),
        ([], [sentence()], "'videos' must be a list with records"),
    ],
)
def test_broken_files_are_one_clear_error(msrvtt, videos, sentences, words):
    with pytest.raises(DataError, match=words):
        MSRVTT.open(msrvtt(videos, sentences), "test", "official")


def test_frames_that_are_none_or_nowhere_are_told(msrvtt):
    root = msrvtt([video()], [sentence()])
    (root / "msrvtt" / "frames" / "video7" / "f1.jpg").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"f1\.jpg is no image"):
        MSRVTT.open(root, "test", "official")
    (root / "msrvtt" / "frames").rename(root / "msrvtt" / "pictures")
    with pytest.raises(DataError, match=r"msrvtt/frames is missing: put one folder of frames per video there"):
        MSRVTT.open(root, "test", "official")
    with pytest.raises(UnknownName, match="did you mean test"):
        MSRVTT.open(root, "tset", "official")


def test_a_gif_is_a_sample_with_the_sentences_of_its_address(tgif):
    one, other = ADDRESS.format("x1"), ADDRESS.format("x2")
    root = tgif(f"{one}\ta cat jumps\n{other}\ta bird\n{one}\ta jumping cat\n", f"{one}\n")
    [sample] = TGIF.open(root, "test", "official").samples
    assert sample.id == "tgif/captions/test/video-x1"
    assert sample.target.answers == ("a cat jumps", "a jumping cat")
    assert (TGIF.splits, TGIF.found(root)) == ({"test": 11_360}, {"test": 1})


@pytest.mark.parametrize(
    ("table", "split", "words"),
    [
        (f"{ADDRESS.format('x1')} a cat\n", ADDRESS.format("x1"), r"tgif-v1\.0\.tsv:1: needs an address, a tab"),
        (f"{ADDRESS.format('x1')}\t \n", ADDRESS.format("x1"), r"tgif-v1\.0\.tsv:1: needs an address, a tab"),
        (f"{ADDRESS.format('x2')}\ta cat\n", ADDRESS.format("x1"), "x1 has no sentence"),
        (f"{ADDRESS.format('x1')}\ta cat\n", f"{ADDRESS.format('x1')}\n" * 2, "video x1 comes twice"),
        (f"{ADDRESS.format('x1')}\ta cat\n", "\n", r"test\.txt lists no GIF"),
        (b"\xff\ta cat\n", ADDRESS.format("x1"), "byte 0 is not utf-8 text"),
    ],
)
def test_broken_lines_are_one_clear_error(tgif, table, split, words):
    with pytest.raises(DataError, match=words):
        TGIF.open(tgif(table, split), "test", "official")
