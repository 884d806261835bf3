"""Options of the COCO scorers, from the command line's `key=value` texts to values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from metrics.coco_results import AreaSource, ScoreSource
from metrics.errors import DataError
from metrics.options import choice, ids, yes

IdZero = Literal["official", "fixed"]

COMMON = {
    "images": "image ids to score, comma separated (default: all of the targets)",
    "categories": "category ids to score, comma separated (default: all of the targets)",
    "id_zero": "official (default): a match to annotation id 0 never counts, as in pycocotools; fixed: it does",
    "score_source": "score (default); constant or order declare a ranking for results without scores",
    "result_area": "official (default): from boxes where results hold them; shape: from what is compared",
    "per_class": "yes (default) or no",
}
CLASS_AGNOSTIC = {"class_agnostic": "no (default) or yes: category labels are ignored, as in proposal scoring"}
MAX_DETS = {"max_dets": "three ascending limits of detections per image and category (default: 1,10,100)"}


@dataclass(frozen=True)
class Options:
    """Values of the options; None stands for "all"."""

    images: tuple[str, ...] | None = None
    categories: tuple[str, ...] | None = None
    id_zero: IdZero = "official"
    score_source: ScoreSource = "score"
    result_area: AreaSource = "official"
    per_class: bool = True
    class_agnostic: bool = False
    max_dets: tuple[int, ...] = (1, 10, 100)

    def variant(self, default: "Options") -> str:
        """Name what differs from a family's default, or nothing: the text behind a protocol's name."""
        changed = {
            name: getattr(self, name)
            for name in ("images", "categories", "id_zero", "score_source", "result_area", "class_agnostic", "max_dets")
            if getattr(self, name) != getattr(default, name)
        }
        return "".join(f" {name}={_text(value)}" for name, value in changed.items())


def parse(options: Mapping[str, str], base: Options) -> Options:
    """Read the options of a COCO scorer, on top of its defaults.

    Raises:
        DataError: a value cannot be used.
    """
    scores = cast(tuple[ScoreSource, ...], get_args(ScoreSource))
    sources = cast(tuple[AreaSource, ...], get_args(AreaSource))
    return Options(
        images=ids(options, "images"),
        categories=ids(options, "categories"),
        id_zero=choice(options, "id_zero", cast(tuple[IdZero, ...], get_args(IdZero)), base.id_zero),
        score_source=choice(options, "score_source", scores, base.score_source),
        result_area=choice(options, "result_area", sources, base.result_area),
        per_class=yes(options, "per_class", base.per_class),
        class_agnostic=yes(options, "class_agnostic", base.class_agnostic),
        max_dets=_limits(options, base.max_dets),
    )


def _limits(options: Mapping[str, str], default: tuple[int, ...]) -> tuple[int, ...]:
    if "max_dets" not in options:
        return default
    try:
        limits = tuple(sorted(int(part) for part in options["max_dets"].split(",")))
    except ValueError:
        limits = ()
    if len(set(limits)) != 3 or limits[0] < 1:
        raise DataError(f"option max_dets={options['max_dets']} must be three different positive integers, as 1,10,100")
    return limits


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value)) if len(value) <= 6 else f"{len(value)} ids"
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
