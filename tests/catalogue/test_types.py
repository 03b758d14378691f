"""What a type checker says about code that uses the facade."""

import re
import subprocess
import sys

import pytest

GOOD = """
from cloud_openapi import cloud, newest_dates

cloud.init()
result = cloud.openapi.analysis.getDailyRetain({"beginDate": "20170313", "endDate": "20170313"})
number: int = result["visitUvNew"][0]["value"]
text: str = cloud.openapi.analysis.getWeeklyRetain(beginDate="a", endDate="b")["errMsg"]
raw = cloud.openapi(convertCase=False).analysis.getMonthlyRetain(begin_date="a", end_date="b")
month: str = raw["ref_date"]
newest = cloud.openapi.analysis.getDailyRetain(newest_dates("day"))
"""

BAD = {
    'cloud.openapi.analysis.getDailyRetain({"beginDate": "20170313"})': "endDate",
    'cloud.openapi.analysis.getDailyRetain(beginDate="20170313")': "call-overload",
    "cloud.openapi.analysis.getDailyRetain(beginDate=20170313, endDate=20170313)": "int",
    'cloud.openapi.analysis.getDailyRetian(beginDate="a", endDate="a")': "getDailyRetian",
    "cloud.openapi.analisys": "analisys",
    'result["visit_uv_new"]': 'no key "visit_uv_new"',
    'result["visitUvNew"]["value"]': "list",
    'cloud.openapi(convertCase=False).analysis.getDailyRetain(beginDate="a", endDate="a")': (
        "call-overload"
    ),
}


@pytest.fixture(scope="module")
def complaints(tmp_path_factory):
    """Check one file that holds the good code and each bad line; return complaints by line."""
    path = tmp_path_factory.mktemp("types") / "user.py"
    path.write_text(GOOD + "\n".join(BAD) + "\n", "utf-8")
    output = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", path],
        check=False,
        capture_output=True,
        text=True,
        cwd=path.parent,
    ).stdout
    found = {}
    for number, message in re.findall(r"user\.py:(\d+): (?:error|note): (.*)", output):
        found[int(number)] = found.get(int(number), "") + message + "\n"
    return found


def test_code_that_is_right_passes_strictly(complaints):
    first_bad = GOOD.count("\n") + 1
    assert {line: text for line, text in complaints.items() if line < first_bad} == {}


@pytest.mark.parametrize("line", BAD, ids=lambda line: line[:60])
def test_code_that_is_wrong_is_reported(complaints, line):
    number = GOOD.count("\n") + 1 + list(BAD).index(line)
    assert BAD[line] in complaints.get(number, "nothing was reported")
