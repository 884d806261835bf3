"""Finds one sample by its id, whatever benchmark it is of."""

from benchmarks.errors import ConfigError, DataError, unknown
from benchmarks.registry import benchmark, benchmarks
from benchmarks.schema import Sample, Split
from tasks.data import Data


def find(sample_id: str, data: Data) -> Sample:
    """Open the split that an id names, and take the sample.

    Args:
        sample_id: as records and predictions files have it, for example `refcocog/umd/test/ref-12/sent-30`; a benchmark
            and split alone stand for the first sample.
        data: where the files are.

    Raises:
        ConfigError: the id does not begin with the name of a benchmark and a split.
        UnknownName: the split has no such sample.
        DataError: the files are not there.
    """
    split = split_of(sample_id, data)
    if sample_id.rstrip("/") == f"{split.benchmark}/{split.name}":
        return split.samples[0]
    found = next((sample for sample in split.samples if sample.id == sample_id), None)
    if found is None:
        raise unknown(f"sample of {split.benchmark} {split.name}", sample_id, [each.id for each in split.samples])
    return found


def split_of(sample_id: str, data: Data) -> Split:
    """Open the split that an id, or the beginning of one, names.

    Raises:
        ConfigError: it does not begin with the name of a benchmark and a split.
        DataError: the files are not there.
    """
    names = [each.name for each in benchmarks() if f"{sample_id}/".startswith(f"{each.name}/")]
    if not names:
        raise ConfigError(
            f"'{sample_id}' is no id of a sample: one is benchmark/split/…, such as refcocog/umd/test/ref-12/sent-30 "
            "(predictions files name them)"
        )
    name = max(names, key=len)
    opened = benchmark(name)
    split = sample_id.removeprefix(name).lstrip("/").partition("/")[0]
    known = opened.splits_present(data.root)
    if split not in known:
        raise unknown(f"split of {name}", split, known)
    try:
        return opened.open(data.root, split, data.origin)
    except OSError as error:
        raise DataError(f"{sample_id}: {error}; `refbench data status {name}` says which files it needs") from None
