"""Answers as files to be kept: one line of the predictions format, and the picture."""

import tempfile
import zipfile
from pathlib import Path

from benchmarks.schema import Prediction
from results.report.sheet import Layout, Line, Panel, grid, to_bytes
from tasks import dense, predictions
from tasks.gallery import file_name

_LINES = "predictions.jsonl"


def save_prediction(prediction: Prediction, model: str, folder: Path) -> Path:
    """Write an answer as `refbench score` reads it: JSON Lines, in a .zip with the depth map where there is one.

    Args:
        prediction: the answer.
        model: names the file.
        folder: existing folder; the file lies in a new one below it.
    """
    own = Path(tempfile.mkdtemp(dir=folder))
    name = file_name(f"{model}-{prediction.sample_id}")
    if prediction.depth is None or prediction.depth.values is None:
        path = own / f"{name}.jsonl"
        path.write_bytes(predictions.to_bytes([prediction]))
        return path
    kept = dense.stow(prediction, own)
    assert kept.depth is not None and kept.depth.file is not None
    path = own / f"{name}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(_LINES, predictions.to_bytes([kept]))
        archive.write(kept.depth.file, f"{dense.FOLDER}/{kept.depth.file.name}")
    return path


def save_picture(panels: list[Panel], question: str, model: str, sample_id: str, folder: Path) -> Path:
    """Write panels beside each other as a PNG, with the question above and the model's name.

    Args:
        panels: the answer, and the truth where there is one.
        question: as it was asked.
        model: its name.
        sample_id: names the file, with the model.
        folder: existing folder; the file lies in a new one below it.
    """
    own = Path(tempfile.mkdtemp(dir=folder))
    heading = [*([Line(question)] if question else []), Line(f"{model} · {sample_id}", muted=True)]
    path = own / f"{file_name(f'{model}-{sample_id}')}.png"
    path.write_bytes(to_bytes(grid(panels, Layout(columns=len(panels), text_px=13), heading), path.name))
    return path
