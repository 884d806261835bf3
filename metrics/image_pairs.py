"""Folders of images, one file per picture: pair targets with predictions by name.

A prediction belongs to the target with the same path below its folder, whatever the file endings.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from metrics.errors import DataError

LABEL_MODES = ("L", "P", "I;16", "I;16B", "I", "1")


@dataclass(frozen=True)
class ImagePairs:
    """Targets in order of name, each with its prediction.

    Attributes:
        names: path below the folder without ending, after taking the suffix away.
        targets: one file per name.
        predictions: the file of that name, or None where there is none.
        extra: predicted files that belong to no target.
    """

    names: tuple[str, ...]
    targets: tuple[Path, ...]
    predictions: tuple[Path | None, ...]
    extra: tuple[Path, ...]

    @property
    def missing(self) -> int:
        """Number of targets without a prediction."""
        return self.predictions.count(None)


def pair_folders(
    targets: Path,
    predictions: Path,
    pattern: str = "*.png",
    endings: Sequence[str] = (".png",),
    suffixes: tuple[str, str] = ("", ""),
) -> ImagePairs:
    """Pair the files below two folders.

    Args:
        pattern: which files below `targets` are targets.
        endings: accepted endings of predictions, in order of preference.
        suffixes: ends of the stems of targets and predictions that are not part of the name, such as "_gt".

    Raises:
        DataError: a folder is missing, there is no target, or two files claim one name.
    """
    for folder in (targets, predictions):
        if not folder.is_dir():
            raise DataError(f"{folder} is not a folder: point at the folder that holds the images")
    truth = _by_name(targets, sorted(targets.rglob(pattern)), suffixes[0])
    if not truth:
        raise DataError(f"{targets} holds no file that matches {pattern}: point at the folder of the targets")
    found: dict[str, Path] = {}
    for ending in reversed(endings):
        found |= _by_name(predictions, sorted(predictions.rglob(f"*{ending}")), suffixes[1])
    return ImagePairs(
        names=tuple(truth),
        targets=tuple(truth.values()),
        predictions=tuple(found.get(name) for name in truth),
        extra=tuple(path for name, path in found.items() if name not in truth and path not in truth.values()),
    )


def _by_name(folder: Path, files: Sequence[Path], suffix: str) -> dict[str, Path]:
    names: dict[str, Path] = {}
    for path in files:
        name = path.relative_to(folder).with_suffix("").as_posix().removesuffix(suffix)
        if name in names:
            raise DataError(f"{path} and {names[name]} both answer for '{name}': keep one")
        names[name] = path
    return names


def read_plane(path: Path, modes: Sequence[str], wanted: str) -> np.ndarray:
    """Decode an image with one value per pixel, without converting it: integer [H, W].

    Args:
        modes: Pillow modes that are accepted.
        wanted: what the file should be, for the error text.

    Raises:
        DataError: the file is missing, damaged, empty or of another kind.
    """
    try:
        with Image.open(path) as image:
            if image.mode not in modes:
                raise DataError(f"{path} is an image of kind {image.mode}: write {wanted}")
            plane = np.asarray(image)
    except FileNotFoundError:
        raise DataError(f"{path} is missing") from None
    except DataError:
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{path} cannot be decoded ({error}): write the file again") from None
    return plane


def check_size(pred: np.ndarray, target: np.ndarray, paths: tuple[Path, Path], remedy: str) -> None:
    """Raise DataError when a prediction has another size than its target."""
    if pred.shape != target.shape:
        raise DataError(f"{paths[0]} is {pred.shape} but {paths[1]} is {target.shape} (rows, columns): {remedy}")
