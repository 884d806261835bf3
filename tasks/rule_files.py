"""Rules of the regression gate, from YAML: the built-in sets in `configs/rules`, or a file of the user's own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from benchmarks.errors import ConfigError, unknown
from results.regression.rules import KINDS, Rule, RuleBook, Settings
from tasks import strict_yaml

BUILT_IN = Path(__file__).parents[1] / "configs" / "rules"
DEFAULT = "default"


class RuleFile(Settings):
    """The content of one file of rules.

    Attributes:
        rules: each with its `kind` and the keys of that kind.
    """

    rules: Annotated[list[dict[str, Any]], Field(min_length=1)]


def read(name: str) -> RuleBook:
    """Read rules.

    Args:
        name: of a built-in set, or the path of a YAML file.

    Raises:
        UnknownName: neither is there, or a rule has an unknown kind.
        ConfigError: the file cannot be read, or a key in it is unknown, missing or of the wrong type.
    """
    built_in = {path.stem: path for path in BUILT_IN.glob("*.yaml")}
    path = built_in.get(name, Path(name).expanduser())
    if not path.suffix:
        raise unknown("set of rules", name, built_in)
    content = strict_yaml.read(path, RuleFile)
    rules = tuple(_rule(each, f"{path}: rule {at}") for at, each in enumerate(content.rules, start=1))
    settings = {key: getattr(content, key) for key in Settings.model_fields}
    return RuleBook(rules=rules, **settings)


def _rule(content: Mapping[str, Any], place: str) -> Rule:
    if "kind" not in content:
        raise ConfigError(f"{place}: key 'kind' is missing: add one of {', '.join(KINDS)}")
    kind = content["kind"]
    if kind not in KINDS:
        raise ConfigError(f"{place}: {unknown('kind of rule', str(kind), KINDS)}")
    return strict_yaml.check(content, KINDS[kind], f"{place} ({kind})")
