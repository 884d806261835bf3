"""What a sample can be sliced by: its own tags, and what its question and its truth tell."""

from benchmarks.schema import Sample, Target
from benchmarks.truth import ObjectsTarget

_SMALL, _MEDIUM = 32**2, 96**2
_LENGTHS = ((2, "1-2 words"), (5, "3-5 words"), (8, "6-8 words"))
_COUNTS = ((0, "none"), (1, "1"), (3, "2-3"), (7, "4-7"))


def traits(sample: Sample) -> dict[str, str]:
    """Name the facts of a sample: tag -> value.

    Beside the sample's own tags: `expression_length` in words and `object_size` (COCO's limits of the mask's area,
    small below 32 x 32 pixels, large above 96 x 96) where one object is asked for, `object_count` where all are.
    """
    found: dict[str, str] = {}
    if isinstance(sample.target, Target):
        found["object_size"] = _size(sample.target)
        if words := len(sample.question.split()):
            found["expression_length"] = next((name for most, name in _LENGTHS if words <= most), "9 words or more")
    elif isinstance(sample.target, ObjectsTarget):
        count = sum(not each.crowd for each in sample.target.objects)
        found["object_count"] = next((name for most, name in _COUNTS if count <= most), "8 or more")
    return {**found, **sample.tags}


def _size(target: Target) -> str:
    from pycocotools import mask

    area = int(mask.area(target.mask_rle))
    return "small" if area < _SMALL else "medium" if area < _MEDIUM else "large"
