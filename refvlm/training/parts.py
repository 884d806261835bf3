"""Parts of the model by name: which of them learn in a stage, how fast, and which of their weights decay.

A name is that of a module, as deep as one likes (`vision`, `vision.trunk`, `llm.model.embed_tokens`), or short for one
or several: `projector`, `prompts`, `decoders`. Of several names that hold a weight the longest decides.
"""

from collections.abc import Iterable, Iterator, Sequence

from torch import Tensor, nn

from benchmarks.errors import ConfigError, unknown
from refvlm.model import RefVLM
from refvlm.training.config import OptimConfig, TrainConfig

_SHORT = {"projector": "vision.projector", "prompts": "region_encoder"}
_DECODERS = "decoders"
_NO_DECODERS = ("vision", "llm", "region_encoder", "adapter")
_LLM = "llm"


class Names:
    """Some names of parts of one model, and the weights that each of them holds."""

    def __init__(self, model: RefVLM, names: Iterable[str]) -> None:
        """Look up the names.

        Raises:
            UnknownName: the model has no such part.
        """
        known = _modules(model)
        self._holds: dict[str, str] = {}
        for name in names:
            for module in _long(model, name):
                if module not in known:
                    raise unknown("part of the model", name, {*known, *_SHORT, _DECODERS})
                self._holds[module] = name

    def holding(self, weight: str) -> str | None:
        """Find which of the names holds a weight; None if none does."""
        pieces = weight.split(".")
        deeper = (".".join(pieces[:k]) for k in range(len(pieces), 0, -1))
        return next((self._holds[module] for module in deeper if module in self._holds), None)


def _modules(model: nn.Module) -> set[str]:
    """Every weight and every module around one, by its dotted name."""
    split = [name.split(".") for name, _ in model.named_parameters()]
    return {".".join(pieces[:k]) for pieces in split for k in range(1, len(pieces) + 1)}


def _long(model: nn.Module, name: str) -> Sequence[str]:
    if name == _DECODERS:
        return [part for part, _ in model.named_children() if part not in _NO_DECODERS]
    return [_SHORT.get(name, name)]


def choose_learners(model: RefVLM, config: TrainConfig) -> None:
    """Switch gradients on and off as a stage says.

    Parts of `freeze` keep their weights and those of `train` learn; what neither names learns, unless `train` stands
    alone. Low-rank adapters always learn, and the language model around them only where `train` names it.

    Raises:
        UnknownName: a name is that of no part.
        ConfigError: a name stands in both lists, or nothing is left that learns.
    """
    if both := sorted({*config.freeze} & {*config.train}):
        raise ConfigError(f"{both[0]} stands in freeze and in train: keep it in one of them")
    named = Names(model, [*config.freeze, *config.train])
    others = bool(config.freeze) or not config.train
    for weight, value in model.named_parameters():
        name = named.holding(weight)
        if config.lora is not None and weight.startswith(f"{_LLM}."):
            value.requires_grad_(".lora_" in weight or (name is not None and name in config.train))
        else:
            value.requires_grad_(others if name is None else name in config.train)
    if not any(value.requires_grad for value in model.parameters()):
        raise ConfigError("freeze leaves nothing that learns: name parts in train, or fewer in freeze")


def learners(*modules: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """List the weights that learn, by name."""
    for module in modules:
        yield from ((name, value) for name, value in module.named_parameters() if value.requires_grad)


def parameter_groups(model: RefVLM, heads: nn.Module, optim: OptimConfig) -> list[dict[str, object]]:
    """Split the weights that learn by learning rate and decay: matrices of layers decay; embeddings, positions, norms
    and biases do not.

    Raises:
        UnknownName: `part_lrs` names no part.
    """
    rates = {_LLM: optim.llm_lr} | optim.part_lrs
    named = Names(model, rates)
    groups: dict[tuple[str | None, bool], list[Tensor]] = {}
    for name, value in learners(model):
        groups.setdefault((named.holding(name), _decays(name, value)), []).append(value)
    for name, value in learners(heads):
        groups.setdefault((None, _decays(name, value)), []).append(value)
    return [
        {
            "params": values,
            "lr": optim.lr if part is None else rates[part],
            "weight_decay": optim.weight_decay if decays else 0.0,
        }
        for (part, decays), values in groups.items()
    ]


def _decays(name: str, value: Tensor) -> bool:
    return value.ndim > 1 and "embed" not in name and "positions" not in name
