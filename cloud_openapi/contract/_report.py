"""Write a verification as text, JSON or JUnit XML."""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Literal
from xml.etree import ElementTree as ET

from cloud_openapi.contract._compatibility import Break
from cloud_openapi.contract._finding import Case, Finding
from cloud_openapi.contract._verify import Verification

_BREAKS = "breaks callers"
Report = Literal["text", "json", "junit"]
_NOT_IN_XML = {number: "\N{REPLACEMENT CHARACTER}" for number in range(32) if number not in (9, 10)}


def render(outcome: Verification, report: Report) -> str:
    """Return the report of a verification."""
    return {"text": _text, "json": _json, "junit": _junit}[report](outcome)


def add_comparison(outcome: Verification, differences: Iterable[Break]) -> None:
    """Add a case for each difference of two catalogues; breaking ones fail."""
    for found in differences:
        finding = Finding(_BREAKS, f"{found.side} {found.path}".strip(), found.text)
        outcome.cases.append(Case(str(found), found.api, "", (finding,) if found.breaking else ()))
        if not found.breaking:
            outcome.compatible.append(str(found))


def _text(outcome: Verification) -> str:
    lines = [f"{count} {note}" for note, count in sorted(outcome.notes.items())]
    api = ""
    for (name, finding), cases in sorted(_grouped(outcome).items()):
        if name != api:
            lines += ["", name]
            api = name
        first = cases[0]
        origin = f" ({first.origin})" if first.origin else ""
        more = f" and {len(cases) - 1} more" if len(cases) > 1 else ""
        lines.append(f"  {finding}")
        if finding.check != _BREAKS:
            lines.append(f"    in {first.place}{origin}{more}")
    if outcome.compatible:
        lines += ["", "Breaks no caller:", *(f"  {text}" for text in outcome.compatible)]
    count, failed = len(outcome.cases), len(outcome.failed)
    verdict = f"{failed} of {count} cases failed." if failed else f"{count} cases, none failed."
    return "\n".join([*lines, "", verdict]) + "\n"


def _json(outcome: Verification) -> str:
    findings = [
        {
            "api": name,
            **finding._asdict(),
            "count": len(cases),
            "first": {"place": cases[0].place, "origin": cases[0].origin},
        }
        for (name, finding), cases in sorted(_grouped(outcome).items())
    ]
    document = {
        "cases": len(outcome.cases),
        "failed": len(outcome.failed),
        "by_api": dict(Counter(case.api for case in outcome.cases)),
        "notes": dict(outcome.notes),
        "compatible": outcome.compatible,
        "findings": findings,
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _grouped(outcome: Verification) -> dict[tuple[str, Finding], list[Case]]:
    found: dict[tuple[str, Finding], list[Case]] = {}
    for case in outcome.failed:
        for finding in dict.fromkeys(case.findings):
            found.setdefault((case.api, finding), []).append(case)
    return found


def _junit(outcome: Verification) -> str:
    counts = {"tests": str(len(outcome.cases)), "failures": str(len(outcome.failed))}
    suite = ET.Element("testsuite", {"name": "cloud-openapi verify", "errors": "0", **counts})
    for case in outcome.cases:
        element = ET.SubElement(suite, "testcase", classname=_xml(case.api), name=_xml(case.place))
        if case.findings:
            text = _xml("\n".join(map(str, case.findings)))
            failure = ET.SubElement(element, "failure", message=text.partition("\n")[0])
            failure.text = text
    notes = ET.SubElement(suite, "system-out")
    notes.text = _xml("\n".join(f"{count} {note}" for note, count in outcome.notes.items()))
    return ET.tostring(suite, "unicode", xml_declaration=True) + "\n"


def _xml(text: str) -> str:
    """Return a text without the characters that XML cannot represent."""
    return text.encode("utf-8", "replace").decode().translate(_NOT_IN_XML)
