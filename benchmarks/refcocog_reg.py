"""Region captions on RefCOCOg, umd split: an object in, an expression that means it out. One sample per ref.

The files are those of `benchmarks.refcoco`. A sample shows the object by its box and mask; all its sentences are
references. Counts: 2,573 and 5,023 objects; the 4,896 expressions of the published validation split mean 2,573
different boxes, and public copies of the test split with one row an object have 5,023 rows (lmms-lab/RefCOCOg on the
Hugging Face hub).
"""

from collections.abc import Mapping
from pathlib import Path

from benchmarks import index_cache, refcoco
from benchmarks.errors import unknown
from benchmarks.files import parse_pickle, read_bytes
from benchmarks.refcoco_records import check_refs
from benchmarks.schema import Benchmark, Origin, Region, Sample, Split, Target, TextTarget
from benchmarks.splits import build_split

NAME = "refcocog_reg/umd"
READER = "refcocog_reg/1"
PUBLISHED = {"val": 2_573, "test": 5_023}
_EXPRESSIONS = next(each for each in refcoco.BENCHMARKS if each.name == "refcocog/umd")
_REFS = refcoco.Source("refcocog", "umd")


def open_split(root: Path, split: str, origin: Origin) -> Split:
    """Open one split.

    Raises:
        DataError: files or photos are missing, or a record is broken.
        UnknownName: no such split.
    """
    if split not in PUBLISHED:
        raise unknown(f"split of {NAME}", split, PUBLISHED)
    expressions = _EXPRESSIONS.open(root, split, origin)
    by_ref: dict[str, list[Sample]] = {}
    for sample in expressions.samples:
        by_ref.setdefault(sample.id.split("/")[-2], []).append(sample)
    samples = (_sample(split, ref, own) for ref, own in by_ref.items())
    return build_split(NAME, split, origin, PUBLISHED[split], samples, facts=[expressions.fingerprint])


def found(root: Path) -> Mapping[str, int]:
    """Count the refs of every split in the file.

    Raises:
        DataError: the file is missing or unreadable.
    """
    path = _REFS.refs_path(root)
    counts = index_cache.load(index_cache.key((READER, index_cache.digest_file(path))))
    if not isinstance(counts, dict):
        data = read_bytes(path)
        splits = [ref["split"] for ref in check_refs(parse_pickle(data, path), path) if ref["sentences"]]
        counts = {split: splits.count(split) for split in PUBLISHED if split in splits}
        index_cache.store(index_cache.key((READER, index_cache.digest_bytes(data))), counts)
    return counts


def _sample(split: str, ref: str, expressions: list[Sample]) -> Sample:
    first = expressions[0]
    target = first.truth(Target)
    return Sample(
        id=f"{NAME}/{split}/{ref}",
        image=first.image,
        image_id=first.image_id,
        question="",
        target=TextTarget(tuple(each.question for each in expressions)),
        regions=(Region("box", box_xyxy=target.box_xyxy, mask_rle=target.mask_rle),),
    )


BENCHMARKS = [
    Benchmark(
        name=NAME,
        splits=PUBLISHED,
        open=open_split,
        files=_EXPRESSIONS.files,
        card=_EXPRESSIONS.card,
        found=found,
        where=_EXPRESSIONS.where,
    )
]
