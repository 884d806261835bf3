"""Depth protocols: which pixels count, how a prediction is resized, aligned and capped before errors are taken.

The numbers of two papers are comparable only when all of this agrees, so a protocol prints itself in full
(`str(protocol)`). Presets follow the evaluation code of the named projects; any part can be replaced.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from metrics.errors import DataError

Fractions = tuple[float, float, float, float]
GARG: Fractions = (0.40810811, 0.99189189, 0.03594771, 0.96405229)
EIGEN_KITTI: Fractions = (0.3324324, 0.91351351, 0.0359477, 0.96405229)
EIGEN_NYU = (45, 471, 41, 601)
KB_SIZE_HW = (352, 1216)
MIN_DISPARITY = 1e-3


@dataclass(frozen=True)
class DepthProtocol:
    """Everything that decides a depth number.

    Attributes:
        name: preset it started from.
        dataset: "nyu" or "kitti": default cap, scale of PNGs and meaning of the Eigen crop.
        min_m: targets at or below (open bounds) are not scored, and predictions are raised to it; metres.
        max_m: likewise above; metres.
        closed: whether targets equal to `min_m` or `max_m` are scored.
        crop: part of the image that is scored, a key of CROPS.
        resize: how a prediction of another size is brought to the target's, a key of RESIZES.
        clean: "none", or "clip": before alignment, what is not finite becomes `max_m` and the rest is capped.
        align: how scale (and shift) are fitted to the target, a key of ALIGNMENTS.
        clamp: whether the prediction is capped after alignment: infinite to `max_m`, NaN to `min_m`.
        silog_lambda: weight of the squared mean log error in SILog.
        silog_scale: factor of SILog.
        min_valid: images with fewer scored pixels are left out, and counted.
    """

    name: str
    dataset: str
    min_m: float
    max_m: float
    closed: bool = False
    crop: str = "none"
    resize: str = "align_corners"
    clean: str = "none"
    align: str = "none"
    clamp: bool = True
    silog_lambda: float = 1.0
    silog_scale: float = 100.0
    min_valid: int = 1

    def __str__(self) -> str:
        """Name every choice that changes a number."""
        bounds = "closed" if self.closed else "open"
        return (
            f"depth/1 {self.name} {self.dataset} cap={self.min_m:g}..{self.max_m:g}m bounds={bounds} crop={self.crop} "
            f"resize={self.resize} clean={self.clean} align={self.align} clamp={'yes' if self.clamp else 'no'} "
            f"silog=l{self.silog_lambda:g}_x{self.silog_scale:g} min_valid={self.min_valid}"
        )

    def valid(self, target: np.ndarray) -> np.ndarray:
        """Mark the target pixels that are scored: bool [H, W], inside the bounds and the crop.

        Compared as float32, as officially: a reading of exactly 1 mm would pass `> 0.001` in float64.
        """
        target = target.astype(np.float32)
        if self.closed:
            inside = (target >= self.min_m) & (target <= self.max_m) & (target > 0)
        else:
            inside = (target > self.min_m) & (target < self.max_m)
        mask = np.zeros(target.shape, bool)
        rows, columns = CROPS[self.crop](target.shape[0], target.shape[1], self.dataset)
        mask[rows, columns] = inside[rows, columns]
        return mask

    def prepare(self, pred: np.ndarray, target: np.ndarray, valid: np.ndarray) -> np.ndarray:
        """Bring a prediction to the target's size, clean, align and cap it: float64 [H, W], metres.

        Raises:
            DataError: the sizes differ and the protocol does not resize.
        """
        full = RESIZES[self.resize](pred, target.shape).astype(np.float64)
        if self.clean == "clip":
            full = np.clip(np.where(np.isfinite(full), full, self.max_m), self.min_m, self.max_m)
        full = ALIGNMENTS[self.align](full, target.astype(np.float64), valid)
        # A failed fit leaves nothing finite: that is no depth map, and clamping must not turn it into one.
        if self.clamp and np.isfinite(full[valid]).any():
            full = np.where(np.isnan(full), self.min_m, np.clip(full, self.min_m, self.max_m))
        return full


def _whole(height: int, width: int, dataset: str) -> tuple[slice, slice]:
    return slice(0, height), slice(0, width)


def _part(fractions: Fractions, height: int, width: int) -> tuple[slice, slice]:
    top, bottom, left, right = fractions
    return slice(int(top * height), int(bottom * height)), slice(int(left * width), int(right * width))


def garg_crop(height: int, width: int, dataset: str) -> tuple[slice, slice]:
    """Crop of Garg et al. (ECCV 2016), for KITTI: fractions of the size at hand."""
    return _part(GARG, height, width)


def eigen_crop(height: int, width: int, dataset: str) -> tuple[slice, slice]:
    """Crop of Eigen et al. (2014): fixed pixels of 480 x 640 for NYU, fractions for KITTI."""
    if dataset == "kitti":
        return _part(EIGEN_KITTI, height, width)
    top, bottom, left, right = EIGEN_NYU
    return slice(top, bottom), slice(left, right)


def kb_crop(height: int, width: int, dataset: str) -> tuple[slice, slice]:
    """KITTI benchmark crop: the bottom 352 rows and the middle 1216 columns."""
    if height < KB_SIZE_HW[0] or width < KB_SIZE_HW[1]:
        raise DataError(f"the KB crop needs images of at least 352x1216 (rows, columns), got {height}x{width}")
    top, left = height - KB_SIZE_HW[0], int((width - KB_SIZE_HW[1]) / 2)
    return slice(top, top + KB_SIZE_HW[0]), slice(left, left + KB_SIZE_HW[1])


def _within_kb(inner: Callable[[int, int, str], tuple[slice, slice]]) -> Callable[[int, int, str], tuple[slice, slice]]:
    """Apply a crop inside the KB crop, as projects do that load KB-cropped images."""

    def crop(height: int, width: int, dataset: str) -> tuple[slice, slice]:
        rows, columns = kb_crop(height, width, dataset)
        inner_rows, inner_columns = inner(*KB_SIZE_HW, dataset)
        return (
            slice(rows.start + inner_rows.start, rows.start + inner_rows.stop),
            slice(columns.start + inner_columns.start, columns.start + inner_columns.stop),
        )

    return crop


CROPS: dict[str, Callable[[int, int, str], tuple[slice, slice]]] = {
    "none": _whole,
    "eigen": eigen_crop,
    "garg": garg_crop,
    "kb": kb_crop,
    "kb+garg": _within_kb(garg_crop),
    "kb+eigen": _within_kb(eigen_crop),
}


def bilinear(values: np.ndarray, size_hw: tuple[int, ...], align_corners: bool) -> np.ndarray:
    """Interpolate bilinearly, float32 [h, w] -> [H, W], with the index arithmetic of torch and OpenCV.

    With `align_corners` the outer pixel centres coincide; without, pixel areas do and edges repeat.
    """
    if values.shape == tuple(size_hw):
        return values
    with np.errstate(invalid="ignore", over="ignore"):
        for axis in (0, 1):
            low, high, weight = _taps(values.shape[axis], size_hw[axis], align_corners)
            weight = weight[:, None] if axis == 0 else weight
            values = values.take(low, axis) * (1 - weight) + values.take(high, axis) * weight
    return values


def _taps(source: int, wanted: int, align_corners: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    index = np.arange(wanted, dtype=np.float32)
    if align_corners:
        position = index * np.float32((source - 1) / (wanted - 1) if wanted > 1 else 0)
    else:
        position = np.maximum((index + np.float32(0.5)) * np.float32(source / wanted) - np.float32(0.5), 0)
    low = np.minimum(position.astype(np.int64), source - 1)
    return low, np.minimum(low + 1, source - 1), (position - low).astype(np.float32)


def _resize_disparity(pred: np.ndarray, size_hw: tuple[int, ...]) -> np.ndarray:
    if pred.shape == tuple(size_hw):
        return pred
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1 / bilinear(1 / pred, size_hw, align_corners=False)


def _same_size(pred: np.ndarray, size_hw: tuple[int, ...]) -> np.ndarray:
    if pred.shape != tuple(size_hw):
        raise DataError(f"the prediction is {pred.shape} but the target is {tuple(size_hw)}: write it at that size")
    return pred


def _paste_kb(pred: np.ndarray, size_hw: tuple[int, ...]) -> np.ndarray:
    """Put a KB-cropped prediction back in its place; around it stays 0, which the cap raises to the minimum."""
    if pred.shape == tuple(size_hw):
        return pred
    full = np.zeros(size_hw, pred.dtype)
    rows, columns = kb_crop(size_hw[0], size_hw[1], "kitti")
    full[rows, columns] = _same_size(pred, KB_SIZE_HW)
    return full


RESIZES: dict[str, Callable[[np.ndarray, tuple[int, ...]], np.ndarray]] = {
    "align_corners": lambda pred, size_hw: bilinear(pred, size_hw, align_corners=True),
    "half_pixel": lambda pred, size_hw: bilinear(pred, size_hw, align_corners=False),
    "half_pixel_disparity": _resize_disparity,
    "paste_kb": _paste_kb,
    "none": _same_size,
}


def median_scale(pred: np.ndarray, target: np.ndarray, valid: np.ndarray) -> float:
    """Ratio of the medians of target and prediction over the scored pixels."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.median(target[valid]) / np.median(pred[valid]))


def fit_scale_shift(source: np.ndarray, wanted: np.ndarray) -> tuple[float, float]:
    """Least-squares scale and shift that bring `source` [N] to `wanted` [N]; solved in float64.

    Returns NaN for both when a value is not finite or nothing is left to fit.
    """
    if not source.size or not np.isfinite(source).all():
        return float("nan"), float("nan")
    system = np.stack([source, np.ones_like(source)], axis=1)
    scale, shift = np.linalg.lstsq(system, wanted, rcond=None)[0]
    return float(scale), float(shift)


def _align_median(pred: np.ndarray, target: np.ndarray, valid: np.ndarray) -> np.ndarray:
    return pred * median_scale(pred, target, valid)


def _align_depth(pred: np.ndarray, target: np.ndarray, valid: np.ndarray) -> np.ndarray:
    scale, shift = fit_scale_shift(pred[valid], target[valid])
    return pred * scale + shift


def _align_disparity(pred: np.ndarray, target: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Fit predicted disparity to 1/target where both are positive, then invert; disparity stays above 1e-3 1/m."""
    usable = valid & (target > 0) & (pred > 0)
    scale, shift = fit_scale_shift(pred[usable], 1 / target[usable])
    return 1 / np.maximum(pred * scale + shift, MIN_DISPARITY)


ALIGNMENTS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "none": lambda pred, target, valid: pred,
    "median": _align_median,
    "lstsq_depth": _align_depth,
    "lstsq_disparity": _align_disparity,
}
CAPS_M = {"nyu": 10.0, "kitti": 80.0}
PNG_SCALES = {"nyu": 1000.0, "kitti": 256.0}
PRESETS = ("zoedepth", "depth_anything_v2", "monodepth2", "marigold")


def preset(name: str, dataset: str) -> DepthProtocol:
    """Build the protocol of a project for `nyu` or `kitti`.

    zoedepth (also BTS, AdaBins): metric depth, Eigen crop on NYU and Garg on KITTI, SILog x 100.
    depth_anything_v2: metric depth, no crop, bounds included, nothing clamped, SILog with lambda 0.5, not scaled.
    monodepth2: median scaling; Garg crop on KITTI; SILog is not part of the original.
    marigold: affine-invariant depth fitted by least squares; Eigen crop, on KITTI inside the KB crop.

    Raises:
        DataError: unknown name or dataset.
    """
    if name not in PRESETS:
        raise DataError(f"no depth preset is called '{name}'; known: {', '.join(PRESETS)}")
    if dataset not in CAPS_M:
        raise DataError(f"no depth dataset is called '{dataset}'; known: {', '.join(CAPS_M)}")
    kitti = dataset == "kitti"
    base = DepthProtocol(name, dataset, min_m=1e-3, max_m=CAPS_M[dataset], crop="garg" if kitti else "eigen")
    if name == "depth_anything_v2":
        return replace(
            base, crop="none", closed=True, clamp=False, silog_lambda=0.5, silog_scale=1.0, min_valid=10
        )
    if name == "monodepth2":
        return replace(base, crop="garg" if kitti else "none", resize="half_pixel_disparity", align="median")
    if name == "marigold":
        return replace(
            base, crop="kb+eigen" if kitti else "eigen", min_m=1e-5 if kitti else 1e-3,
            resize="none", align="lstsq_depth",
        )
    return base
