"""Run lengths of compressed COCO masks, checked without decoding a pixel."""


def covered_pixels(counts: str) -> int:
    """Add up the runs of a compressed COCO mask, which the C code would trust without looking.

    Each run is a signed number, low 5 bits first, bit 5 of a character says that more follow; from the fourth run on
    it is the change from the run two before (COCO API, maskApi.c).

    Raises:
        ValueError: characters or runs that no encoder writes.
    """
    import numpy as np  # listing benchmarks must not wait for it

    codes = np.frombuffer(counts.encode("ascii"), dtype=np.uint8).astype(np.int64) - 48
    if not codes.size or codes.min() < 0 or codes.max() > 63 or codes[-1] & 0x20:
        raise ValueError("mask counts are not compressed COCO text")
    starts = np.flatnonzero(np.concatenate(([True], (codes[:-1] & 0x20) == 0)))
    lengths = np.diff(np.append(starts, codes.size))
    if lengths.max() > 8:
        raise ValueError("mask counts hold a number that is too long")
    shifts = 5 * (np.arange(codes.size) - np.repeat(starts, lengths))
    deltas = np.add.reduceat((codes & 0x1F) << shifts, starts)
    negative = (codes[starts + lengths - 1] & 0x10) != 0
    runs = np.where(negative, deltas - (1 << (5 * lengths)), deltas)
    runs[1::2], runs[2::2] = np.cumsum(runs[1::2]), np.cumsum(runs[2::2])
    if runs.min() < 0:
        raise ValueError("mask counts hold a negative run")
    return int(runs.sum())
