"""Shares the processor among the processes of one machine."""

import os
import sys

_VARIABLE, _RANKS_VARIABLE = "OMP_NUM_THREADS", "LOCAL_WORLD_SIZE"


def share(processes: int) -> int | None:
    """Limit the threads of this process to its share of the cores, unless the user (or torchrun) has set a number.

    Each process would take all cores otherwise, and they would wait for each other. Call it before a model is loaded.

    Args:
        processes: that this command starts on the machine; those of torchrun or accelerate count, too.

    Returns:
        The number of threads; None where nothing was changed.
    """
    ranks = processes * int(os.environ.get(_RANKS_VARIABLE, "1"))
    if ranks == 1 or _VARIABLE in os.environ:
        return None
    count = max(1, len(os.sched_getaffinity(0)) // ranks)
    os.environ[_VARIABLE] = str(count)  # for libraries that are loaded later
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(count)
    return count
