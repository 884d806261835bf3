"""A verdict as JUnit XML, the form in which CI servers take test results: one suite for each row, one case a check.

Valid against the schemas of Ant's reports (which wants `package`, `id`, `hostname`, `timestamp` and `time`, and has no
attributes on `testsuites`) and of the xUnit plugin of Jenkins (junit-10). Both know no numbers, so the messages do.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree

from results.harmless import plain
from results.regression.check import Check, Verdict, number, signed

_NO_TIME = "1970-01-01T00:00:00"


def to_xml(verdict: Verdict) -> bytes:
    """Build the file, UTF-8. Characters that XML cannot hold are left out."""
    rows: dict[str, list[Check]] = {}
    for check in verdict.checks:
        rows.setdefault(plain(f"{check.task} {check.split}") or "row", []).append(check)
    root = ElementTree.Element("testsuites")
    for number_, (name, checks) in enumerate(rows.items()):
        _suite(root, number_, name, checks, verdict)
    ElementTree.indent(root, " ")
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _suite(root: ElementTree.Element, place: int, name: str, checks: Sequence[Check], verdict: Verdict) -> None:
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        {
            "name": name,
            "package": "refbench.regress",
            "id": str(place),
            "timestamp": _moment(verdict.ended),
            "hostname": "localhost",
            "tests": str(len(checks)),
            "failures": str(sum(check.status == "fail" for check in checks)),
            "errors": "0",
            "skipped": str(sum(check.status == "skip" for check in checks)),
            "time": "0",
        },
    )
    properties = ElementTree.SubElement(suite, "properties")
    facts = {"baseline": verdict.baseline, "candidate": verdict.candidate, "commit": verdict.commit}
    for key, value in facts.items():
        ElementTree.SubElement(properties, "property", {"name": key, "value": plain(value)})
    for check in checks:
        _case(suite, check)
    ElementTree.SubElement(suite, "system-out").text = ""
    ElementTree.SubElement(suite, "system-err").text = ""


def _case(suite: ElementTree.Element, check: Check) -> None:
    subject = " ".join(filter(None, (check.part, check.metric)))
    name = plain(f"{check.rule}: {subject}" if subject else check.rule)
    classname = plain(f"refbench.{check.task}.{check.split}")
    case = ElementTree.SubElement(suite, "testcase", {"name": name, "classname": classname, "time": "0"})
    if check.status == "fail":
        failure = ElementTree.SubElement(case, "failure", {"message": plain(check.reason), "type": plain(check.kind)})
        failure.text = plain(_told(check))
    elif check.status == "skip":
        ElementTree.SubElement(case, "skipped", {"message": plain(check.reason)})


def _told(check: Check) -> str:
    values = f"baseline {number(check.baseline, check.unit) or 'undefined'}, " + (
        f"candidate {number(check.candidate, check.unit) or 'undefined'}"
    )
    change = f", change {signed(check.change, check.unit)}" if check.change is not None else ""
    return f"{check.model} on {check.subject}: {values}{change}. {check.reason}"


def _moment(ended: str) -> str:
    """The time without its zone, which the schema forbids, in UTC."""
    try:
        moment = datetime.fromisoformat(ended)
    except ValueError:
        return _NO_TIME
    return (moment.astimezone(UTC) if moment.tzinfo else moment).strftime("%Y-%m-%dT%H:%M:%S")
