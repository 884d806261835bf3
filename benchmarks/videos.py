"""Video captions with frames given: MSR-VTT and TGIF. One sample a video, its references all sentences about it.

    <root>/msrvtt/test_videodatainfo.json  (or msrvtt/videodatainfo_2016.json: its videos of split test)
        {"videos": [{video_id, split, category, …}], "sentences": [{video_id, caption, sen_id}]}
    <root>/msrvtt/frames/<video_id>/*.jpg
    <root>/tgif/tgif-v1.0.tsv     address of a GIF, tab, sentence
    <root>/tgif/splits/test.txt     one address a line
    <root>/tgif/frames/<name of the GIF without .gif>/*.jpg

Frames are what the user extracted, all of a folder (.jpg, .jpeg or .png) in the order of the numbers in their names;
their number and rate is the user's choice, so that results are comparable only at the same one. Frames of a video have
one size, that of the first; a frame of another size is refused when it is decoded.
Counts: 2,990 videos of MSR-VTT (Xu et al. 2016: 6,513, 497 and 2,990), 11,360 GIFs of TGIF (the table of
raingo.github.io/TGIF-Release, and the lines of test.txt).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from benchmarks.errors import DataError
from benchmarks.files import list_names, plain_name
from benchmarks.photos import image_size_hw
from benchmarks.schema import ImageRef
from benchmarks.text_source import Record, TextSource, benchmark_of, listed, text, unique

FRAME_TYPES = (".jpg", ".jpeg", ".png")
_NUMBERS = re.compile(r"(\d+)")


def find_frames(place: str, root: Path, names: Iterable[str]) -> dict[str, tuple[ImageRef, ...]]:
    """Find the frames of every video, in time order.

    Args:
        place: folder of all frames, below the data root.
        root: data root.
        names: of the videos, which are those of their folders.

    Raises:
        DataError: the folder of frames is missing, a video has no frame, or its first frame is no image.
    """
    folder = root / place
    if not folder.is_dir():
        raise DataError(f"{folder} is missing: put one folder of frames per video there")
    present = set(list_names(folder))
    found = {name: sorted(_frame_names(folder / name), key=_time) if name in present else [] for name in names}
    if missing := [name for name, own in found.items() if not own]:
        first = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
        raise DataError(
            f"{folder}: {len(missing)} of {len(found)} videos have no frames ({first}): extract them into one folder "
            "per video"
        )
    return {name: _refs(folder / name, own) for name, own in found.items()}


def _refs(folder: Path, names: Sequence[str]) -> tuple[ImageRef, ...]:
    size_hw = image_size_hw(folder / names[0])
    return tuple(ImageRef(folder / name, size_hw) for name in names)


def _frame_names(folder: Path) -> Iterable[str]:
    return (name for name in list_names(folder) if name.lower().endswith(FRAME_TYPES) and not name.startswith("."))


def _time(name: str) -> tuple[list[int], str]:
    """Frame 10 comes after frame 9, however many digits they are written with."""
    return [int(number) for number in _NUMBERS.findall(name)], name


def parse_msrvtt(contents: Sequence[Any], paths: Sequence[Path]) -> Mapping[str, list[Record]]:
    """Read the test videos of MSR-VTT.

    Raises:
        DataError: a record is broken, a video comes twice or has no sentence, or a sentence is of no listed video.
    """
    [content], [path] = contents, paths
    videos = listed(content, "videos", path)
    sentences: dict[str, list[str]] = {text(each, "video_id", f"{path}: a video"): [] for each in videos}
    for number, sentence in enumerate(listed(content, "sentences", path)):
        place = f"{path}: sentences[{number}]"
        video_id = text(sentence, "video_id", place)
        if video_id not in sentences:
            raise DataError(f"{place} is of {video_id}, which is not listed: fetch the file again")
        sentences[video_id].append(text(sentence, "caption", place))
    records = []
    for video in videos:
        if video.get("split") == "test":
            category = {"category": str(video["category"])} if "category" in video else {}
            records.append(_record(video["video_id"], sentences[video["video_id"]], path, category))
    return {"test": unique(records, path)}


def parse_tgif(contents: Sequence[Any], paths: Sequence[Path]) -> Mapping[str, list[Record]]:
    """Read the test GIFs of TGIF.

    Raises:
        DataError: a line is broken, or a GIF of the split comes twice or has no sentence.
    """
    (table, split), (path, split_path) = contents, paths
    sentences: dict[str, list[str]] = {}
    for number, line in enumerate(_lines(table, path), start=1):
        address, tab, sentence = line.partition("\t")
        if not tab or not sentence.strip():
            raise DataError(f"{path}:{number}: needs an address, a tab and a sentence: fetch the file again")
        sentences.setdefault(address, []).append(sentence)
    addresses = _lines(split, split_path)
    if not addresses:
        raise DataError(f"{split_path} lists no GIF: fetch the file again")
    records = [_record(PurePosixPath(each).stem, sentences.get(each, []), path) for each in addresses]
    return {"test": unique(records, split_path)}


def _record(name: str, sentences: list[str], path: Path, tags: Mapping[str, str] | None = None) -> Record:
    if not sentences:
        raise DataError(f"{path}: {name} has no sentence: fetch the file again")
    return Record(f"video-{name}", plain_name(name, f"{path}: {name}"), name, "", sentences, tags or {})


def _lines(data: bytes, path: Path) -> list[str]:
    """Lines that hold something."""
    try:
        return [line.strip() for line in data.decode().split("\n") if line.strip()]
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start} is not utf-8 text; fetch the file again") from None


MSRVTT = TextSource(
    name="msrvtt/captions",
    reader="msrvtt/1",
    published={"test": 2_990},
    files={"test": (("msrvtt/test_videodatainfo.json", "msrvtt/videodatainfo_2016.json"),)},
    folders=("msrvtt/frames",),
    publisher="MSR-VTT",
    parse=parse_msrvtt,
    find=partial(find_frames, "msrvtt/frames"),
)
TGIF = TextSource(
    name="tgif/captions",
    reader="tgif/1",
    published={"test": 11_360},
    files={"test": (("tgif/tgif-v1.0.tsv",), ("tgif/splits/test.txt",))},
    folders=("tgif/frames",),
    publisher="TGIF",
    parse=parse_tgif,
    find=partial(find_frames, "tgif/frames"),
)


BENCHMARKS = [
    benchmark_of(
        MSRVTT,
        "Xu et al., MSR-VTT: A Large Video Description Dataset for Bridging Video and Language, CVPR 2016, no arXiv "
        "version. Licence: research use.",
        "ms-multimedia-challenge.com/2016/dataset (test_videodatainfo.json; frames are extracted by the user)",
    ),
    benchmark_of(
        TGIF,
        "Li et al., TGIF: A New Dataset and Benchmark on Animated GIF Description, CVPR 2016, arXiv:1604.02748. "
        "Licence: sentences for research use, GIFs of their authors.",
        "github.com/raingo/TGIF-Release (data; GIFs by their addresses, frames are extracted by the user)",
    ),
]
