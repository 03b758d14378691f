"""Make the recorded bodies of tests/samples into cassettes, tests/samples/cassettes/.

Nobody published the requests. What is certain of them is put together again: the path from the
name of the sample or from its note, the dates from the note or from the answer's ref_date; without
dates the body is left empty.
"""

import json
import re
from pathlib import Path
from typing import Any

from cloud_openapi.catalogue import Operation, default_catalogue
from cloud_openapi.recordings import Interaction, write

TESTS = Path(__file__).parent.parent / "tests"
JSON = {"Content-Type": ["application/json"]}


def main() -> None:
    """Write a cassette for each recorded sample whose API is known."""
    for name, interaction in cassettes().items():
        write(TESTS / "samples" / "cassettes" / name, [interaction])


def cassettes() -> dict[str, Interaction]:
    """Return the interaction of each file."""
    found = {}
    for entry in json.loads((TESTS / "samples" / "INDEX.json").read_text("utf-8")):
        operation = _operation(entry)
        # Lists and parts of answers are no answers.
        whole = entry["file"].split(".")[1] not in {"list", "body"}
        if operation is not None and whole and entry["kind"] in {"recorded", "recorded-error"}:
            name = entry["file"].removesuffix(".json") + ".yaml"
            found[name] = _interaction(entry, operation)
    return found


def _operation(entry: dict[str, str]) -> Operation | None:
    named = re.search(r"\bgetweanalysisappid\w+", entry["note"])
    method = entry["file"].partition(".")[0]
    catalogue = default_catalogue()
    for name, outline in catalogue.outlines.items():
        path = outline.path.rpartition("/")[2]
        if (named and path in {named[0], named[0] + "info"}) or name.endswith(f".{method}"):
            return catalogue[name]
    return None


def _interaction(entry: dict[str, str], operation: Operation) -> Interaction:
    answer = (TESTS / "samples" / entry["file"]).read_bytes()
    dates = re.findall(r"\b\d{8}\b", entry["note"])[:2] or _dates(json.loads(answer))
    body = ""
    for rule in operation.rules if dates else ():
        body = json.dumps({rule.begin: dates[0], rule.end: dates[1]})
    form = re.search(r'form body "(.*?)"', entry["note"])
    return Interaction(
        api=operation.name,
        method=operation.method,
        uri=f"https://api.weixin.qq.com{operation.path}?access_token=REDACTED",
        request_headers={} if form else JSON,
        request_body=(form[1] if form else body).encode(),
        status=200,
        reason="OK",
        response_headers={},
        response_body=answer,
        origin="; ".join(filter(None, (entry["origin"], entry["note"]))),
    )


def _dates(answer: Any) -> list[str]:
    row = answer if "ref_date" in answer else next(iter(answer.get("list", ())), {})
    ref = re.findall(r"\d{8}", str(row.get("ref_date", "")))
    return [ref[0], ref[-1]] if ref else []


if __name__ == "__main__":
    main()
