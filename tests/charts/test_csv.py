import csv
import io

import pytest

from cloud_openapi.charts import csv_text

ROWS = [["pages/a,b", 'say "hi"', 3], ["=1+1", "two\nlines", -2.5], ["中文", "\ud800", ""]]


def read(content, encoding):
    return list(csv.reader(io.StringIO(content.decode(encoding), newline="")))


def test_a_reader_gets_the_same_values():
    content = csv_text(["page", "text", "n"], ROWS)
    assert read(content, "utf-8") == [
        ["page", "text", "n"],
        ["pages/a,b", 'say "hi"', "3"],
        ["=1+1", "two\nlines", "-2.5"],
        ["中文", "?", ""],
    ]
    assert content.count(b"\r\n") == 4


def test_spreadsheet_has_a_byte_order_mark_and_no_formula():
    content = csv_text(["page", "text", "n"], ROWS, spreadsheet=True)
    assert content.startswith(b"\xef\xbb\xbf")
    rows = read(content, "utf-8-sig")
    assert rows[2] == ["'=1+1", "two\nlines", "-2.5"]


@pytest.mark.parametrize("text", ["=A1", "+1", "-1", "@SUM", "\t=1", "\r=1"])
def test_no_text_is_a_formula_in_a_spreadsheet(text):
    assert read(csv_text(["a"], [[text]], spreadsheet=True), "utf-8-sig")[1] == [f"'{text}"]
