"""Panoptic predictions in the official format: a JSON file and the folder of PNGs that it names."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import DataError
from benchmarks.schema import Prediction, Sample
from metrics.panoptic import PanopticMap
from metrics.panoptic_files import PanopticFile, read_file, read_prediction

FORMATS = "the COCO panoptic format: a folder with one JSON file and its PNGs, or the JSON file beside them"


@dataclass(frozen=True, slots=True)
class FiledPrediction(Prediction):
    """An answer that lies in an official file as a panoptic map; it is read when it is scored.

    Attributes:
        file: the file; always there.
        image_id: its key in the file.
    """

    file: PanopticFile | None = None
    image_id: int | str = ""

    def read(self) -> PanopticMap:
        """Decode the PNG and take its segments.

        Raises:
            DataError: the PNG is missing or damaged, or a segment is broken.
        """
        assert self.file is not None, "a filed prediction has a file"
        return read_prediction(self.file, self.image_id)


def official(path: Path, samples: Sequence[Sample]) -> dict[str, Prediction]:
    """Find the prediction of every sample; images of no sample are left out, as the official evaluator does.

    Args:
        path: the JSON file, with its PNGs in the folder of the same name or beside it; or a folder that holds both.
        samples: what was asked.

    Raises:
        DataError: there is not one JSON file, no PNGs, or the file is not of the form.
    """
    json_path = _json_of(path)
    named = json_path.with_suffix("")
    file = read_file(json_path, named if named.is_dir() else json_path.parent)
    known = {str(image_id): image_id for image_id in file.annotations}
    return {
        sample.id: FiledPrediction(sample_id=sample.id, status="ok", file=file, image_id=known[sample.image_id])
        for sample in samples
        if sample.image_id in known
    }


def _json_of(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = sorted(path.glob("*.json"))
    if len(found) != 1:
        names = ", ".join(each.name for each in found) or "none"
        raise DataError(f"{path} must hold one JSON file in the COCO panoptic format, beside its PNGs; found {names}")
    return found[0]
