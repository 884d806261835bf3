"""What a user can choose about a run, whatever the task."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from benchmarks.schema import Regime
from tasks.allowance import Allowance
from tasks.base import LoadOptions
from tasks.meter import Meter
from tasks.model_args import ModelArgs
from tasks.models.pool import ModelPool
from tasks.prompts import DEFAULT
from tasks.provenance import number_code

if TYPE_CHECKING:
    from tasks.early_stop import Baseline


@dataclass(frozen=True)
class RunOptions:
    """Options of one `refbench eval`.

    Attributes:
        out: root of all run directories.
        limit: evaluate a fixed pseudo-random subset of this many samples; None for all.
        batch_size: queries per model call, or "auto" for as many as are worth it, found by trying; part of the run's
            identity, since arithmetic may depend on it.
        seed: seed of models that sample.
        device: "cpu", "cuda", "cuda:1", …, resolved: never "auto".
        dtype: "float32", "bfloat16", …
        fresh: delete what an earlier run with the same identity left, and start over.
        retry_failed: ask the samples that failed again, also those of a finished run, into the same record.
        max_failures: failed samples that are acceptable, None for any number; a run stops as soon as more have failed.
        weights: path of the model's weights, None for its own default.
        model_args: arguments of the model that differ from their default, part of the run's identity.
        compiled: the model's networks go through torch.compile; part of the run's identity, since digits may change.
        prompt_set: which wording of the task's prompt, see `tasks.prompts`.
        regime: which command stands before it, see `benchmarks.commands`; None for the model's own.
        include: folder of further task files, or None.
        processes: how many share the work; no part of a run's identity.
        sample_timeout_s: seconds that a model may take for one sample, None for any time; a batch may take the sum of
            its samples'. No part of a run's identity: what takes longer is counted as failed, with that reason.
        stall_timeout_s: seconds without progress after which a process is ended; None for never.
        code: digest of the program that the numbers come from, part of the run's identity.
        pool: keeps the loaded model between the runs of one command.
        command: the command line, for `run.json`.
        progress: worker processes may write to stderr, too.
        meter: shows how far the command is.
        early_stop: what a run is held against while it works, None to run to the end.
        offline: refuse connections to other machines while evaluating.
        data_root: what the user chose, for `run.json`.
    """

    out: Path = Path("runs")
    limit: int | None = None
    batch_size: int | Literal["auto"] = 32
    seed: int = 0
    device: str = "cpu"
    dtype: str = "float32"
    fresh: bool = False
    retry_failed: bool = False
    max_failures: Allowance | None = None
    weights: Path | None = None
    model_args: ModelArgs = ()
    compiled: bool = False
    prompt_set: str = DEFAULT
    regime: Regime | None = None
    include: Path | None = None
    processes: int = 1
    sample_timeout_s: float | None = None
    stall_timeout_s: float | None = None
    code: str = field(default_factory=number_code)
    pool: ModelPool = field(default_factory=ModelPool, compare=False)
    command: tuple[str, ...] = ()
    progress: bool = False
    meter: Meter = field(default_factory=Meter, compare=False)
    early_stop: "Baseline | None" = None
    offline: bool = False
    data_root: Path | None = None

    def load_options(self) -> LoadOptions:
        """The part that a model is loaded with."""
        return LoadOptions(
            device=self.device,
            dtype=self.dtype,
            seed=self.seed,
            weights=self.weights,
            args=self.model_args,
            compiled=self.compiled,
        )
