"""Depth maps beside the predictions: each is a `.npz` in the folder `dense` of its run, named by its sample.

A line of predictions names the file and the SHA-256 of the map's bytes, so the lines still tell whether two runs agree.
The same map gives the same file: entries carry a fixed date.
"""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from benchmarks.depth_answer import DepthMap, digest_of_map
from benchmarks.files import write_atomic
from benchmarks.schema import Prediction

FOLDER = "dense"
_EPOCH = (1980, 1, 1, 0, 0, 0)


def stow(prediction: Prediction, root: Path) -> Prediction:
    """Write the depth map of a prediction below a run directory, and let the prediction refer to the file.

    Raises:
        OSError: the file cannot be written.
    """
    if prediction.depth is None or prediction.depth.values is None:
        return prediction
    name = hashlib.sha256(prediction.sample_id.encode()).hexdigest()[:20]
    file, values = root / FOLDER / f"{name}.npz", np.asarray(prediction.depth.values, dtype=np.float32)
    write_atomic(file, _to_bytes(values))
    return replace(prediction, depth=DepthMap(file=file, sha256=digest_of_map(values)))


def to_json(depth: DepthMap) -> dict[str, Any]:
    """Name the file of a stowed map, relative to its run, and the digest of its values."""
    assert depth.file is not None and depth.sha256, "stow comes first"
    return {"file": f"{FOLDER}/{depth.file.name}", "sha256": depth.sha256}


def from_json(content: Any, root: Path | None) -> DepthMap:
    """Read what `to_json` made, or `{"file": path}` of a map that another program wrote.

    Args:
        content: parsed JSON.
        root: folder that the path starts from; None where there is none to read from.

    Raises:
        ValueError: the path is absolute or leaves its root, or the content has another form. Whether the map has the
            digest is told when it is read.
    """
    if not isinstance(content, Mapping) or not {"file"} <= set(content) <= {"file", "sha256"}:
        raise ValueError(f"depth must be an object with 'file', got {content!r}")
    name = content["file"]
    if not isinstance(name, str) or "\\" in name or "\0" in name:
        raise ValueError(f"the file of a depth map must be a path with forward slashes, got {name!r}")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or path.suffix != ".npz":
        raise ValueError(f"the file of a depth map must be a .npz below the predictions' folder, got {name!r}")
    if root is None:
        raise ValueError("a depth map needs a folder to be read from")
    known = content.get("sha256", "")
    if not isinstance(known, str):
        raise ValueError(f"sha256 of a depth map must be text, got {known!r}")
    return DepthMap(file=root / path, sha256=known)


def _to_bytes(values: Any) -> bytes:
    content, stream = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array(content, values, allow_pickle=False)
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("depth_m.npy", _EPOCH), content.getvalue(), zipfile.ZIP_DEFLATED, 1)
    return stream.getvalue()
