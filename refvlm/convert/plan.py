"""What a conversion would do, decided from names and shapes alone."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from refvlm.convert.rules import PARTS, RULES, Rule

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One tensor that is carried over.

    Attributes:
        name: upstream's name.
        ours: our name.
        found: upstream's shape.
        wanted: our shape; the first axis may differ where rows are tokens.
    """

    name: str
    ours: str
    found: Shape
    wanted: Shape

    @property
    def note(self) -> str:
        """What happens to its rows; empty where it is taken as it is."""
        more = self.wanted[0] - self.found[0] if self.found != self.wanted else 0
        if more > 0:
            return f"{more} rows more than upstream's {self.found[0]}: they start as the mean row"
        return f"{-more} rows of padding are cut" if more else ""


@dataclass(slots=True)
class Report:
    """What becomes of every upstream tensor, and which of ours get none.

    Attributes:
        steps: what is carried over.
        other_shape: steps whose shapes differ.
        left: those of them that are left behind by rule, which is no fault.
        without: reason -> upstream names that have no counterpart.
        refused: reason -> upstream names that forbid a conversion.
        unlisted: upstream names that no rule knows.
        absent: upstream name -> our name, where the configuration builds no such tensor.
        repeated: upstream names that would write a tensor of ours a second time.
        incomplete: part -> our names that it lacks, where some of it is there.
        missing: our names that get nothing.
    """

    steps: list[Step] = field(default_factory=list)
    other_shape: list[Step] = field(default_factory=list)
    left: list[Step] = field(default_factory=list)
    without: dict[str, list[str]] = field(default_factory=dict)
    refused: dict[str, list[str]] = field(default_factory=dict)
    unlisted: list[str] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    repeated: list[str] = field(default_factory=list)
    incomplete: dict[str, list[str]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """What forbids the conversion, one line each."""
        return [
            *(
                f"{each.name} is {list(each.found)} but ours, {each.ours}, is {list(each.wanted)}"
                for each in self.other_shape
            ),
            *(f"{_some(names)}: {why}" for why, names in self.refused.items()),
            *([f"{_some(self.unlisted)}: no rule knows the name"] if self.unlisted else []),
            *(f"{name}: the configuration builds no {ours}" for name, ours in self.absent.items()),
            *(f"{name}: another tensor became the same one of ours" for name in self.repeated),
            *(f"{part} is incomplete, it lacks {_some(names)}" for part, names in self.incomplete.items()),
            *(["nothing can be carried over"] if not self.steps else []),
        ]

    def as_json(self) -> dict[str, Any]:
        """Everything, for machines."""
        return {
            "mapped": {
                each.name: {"ours": each.ours, "shape": list(each.wanted), "note": each.note} for each in self.steps
            },
            "shape_differs": [_shapes(each, fault=True) for each in self.other_shape]
            + [_shapes(each, fault=False) for each in self.left],
            "no_counterpart": self.without,
            "refused": self.refused,
            "unexpected": self.unlisted,
            "absent": self.absent,
            "repeated": self.repeated,
            "incomplete": self.incomplete,
            "missing": self.missing,
            "faults": self.faults,
        }


def plan(found: Mapping[str, Shape], wanted: Mapping[str, Shape], rules: Sequence[Rule] = RULES) -> Report:
    """Decide what becomes of every tensor.

    Args:
        found: upstream name -> shape.
        wanted: our name -> shape, of all that a checkpoint of ours stores.
        rules: exactly one of them may match a name.

    Raises:
        ValueError: two rules match one name: the table is wrong.
    """
    report = Report()
    taken: set[str] = set()
    for name in sorted(found):
        matches = [(rule, match) for rule in rules if (match := rule.match(name))]
        if len(matches) > 1:
            raise ValueError(f"{name} matches {' and '.join(rule.pattern for rule, _ in matches)}")
        if not matches:
            report.unlisted.append(name)
            continue
        rule, match = matches[0]
        if not rule.ours:
            (report.refused if rule.refused else report.without).setdefault(rule.why, []).append(name)
            continue
        ours = match.expand(rule.ours)
        if ours in wanted:
            _place(report, rule, Step(name, ours, tuple(found[name]), tuple(wanted[ours])), taken)
        elif rule.where_it_fits:
            report.without.setdefault(f"the configuration builds no {ours}", []).append(name)
        else:
            report.absent[name] = ours
    report.missing = sorted(wanted.keys() - {step.ours for step in report.steps})
    for part, pattern in PARTS.items():
        names = {each for each in wanted if re.fullmatch(pattern, each)}
        if 0 < len(lacking := names & set(report.missing)) < len(names):
            report.incomplete[part] = sorted(lacking)
    return report


def _place(report: Report, rule: Rule, step: Step, taken: set[str]) -> None:
    if step.ours in taken:
        report.repeated.append(step.name)
        return
    taken.add(step.ours)
    same_rows = rule.rows and step.found[1:] == step.wanted[1:] and step.found[:1] > (0,)
    if step.found == step.wanted or same_rows:
        report.steps.append(step)
    else:
        (report.left if rule.where_it_fits else report.other_shape).append(step)


def _some(names: Sequence[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _shapes(step: Step, fault: bool) -> dict[str, Any]:
    return {
        "name": step.name, "ours": step.ours, "found": list(step.found), "wanted": list(step.wanted), "fault": fault,
    }  # fmt: skip
