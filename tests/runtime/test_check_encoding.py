"""What check says of files in another encoding than UTF-8, as editors on Windows save them."""

import pytest
from support.sdk import node

from cloud_openapi.runtime import Functions

PLAIN = "def main(event, context):\n    return 1\n"


@pytest.fixture
def check(tmp_path):
    """Return a function that writes a function's files and returns what check finds in it."""

    def check(**files):
        folder = tmp_path / "functions" / "hello"
        folder.mkdir(parents=True)
        for name, content in files.items():
            file = folder / name.replace("_", ".")
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        functions = Functions(folder.parent, {})
        try:
            found = functions.check("hello")
        finally:
            functions.close()
        named = [(each.place.file.rpartition("/")[2], *each.place[1:]) for each in found]
        return [(*a, b.severity, b.code, b.message) for a, b in zip(named, found, strict=True)]

    return check


def test_a_python_source_that_is_not_utf_8_is_one_problem(check):
    (found,) = check(index_py=PLAIN.replace("1", "'商店'").encode("gbk"))
    text = "byte 39 of the file is not UTF-8: Python refuses the file; save it as UTF-8"
    assert found == ("index.py", 2, 13, "problem", "not-utf-8", text)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_a_python_source_with_two_bytes_a_character_is_one_problem(check, encoding):
    (found,) = check(index_py=PLAIN.replace("1", "'商店'").encode(encoding))
    assert found[3:5] == ("problem", "not-utf-8")


def test_a_script_that_cannot_be_parsed_for_its_encoding_is_one_problem(check):
    node()
    (found,) = check(index_js="exports.main = async () => '商店'\n".encode("utf-16"))
    text = "byte 1 of the file is not UTF-8: Node.js cannot parse the file; save it as UTF-8"
    assert found == ("index.js", 1, 1, "problem", "not-utf-8", text)


def test_a_python_source_that_nothing_loads_is_a_note(check):
    (found,) = check(index_py=PLAIN, other_py="x = '商店'\n".encode("gbk"))
    text = "byte 6 of the file is not UTF-8: Python refuses the file; save it as UTF-8"
    assert found == ("other.py", 1, 6, "note", "not-utf-8", text)


def test_a_python_source_that_names_its_encoding_is_fine(check):
    source = "#!/usr/bin/env python\n# -*- coding: gbk -*-\n" + PLAIN.replace("1", "'商店'")
    assert check(index_py=source.encode("gbk")) == []


def test_data_in_json_and_python_with_a_byte_order_mark(check):
    (found,) = check(index_py=PLAIN.encode("utf-8-sig"), data_json='{"a": "商店"}'.encode("gbk"))
    text = "byte 8 of the file is not UTF-8: reading it as UTF-8 fails; save it as UTF-8"
    assert found == ("data.json", 1, 8, "note", "not-utf-8", text)


def test_javascript_and_its_data_are_notes_with_the_byte(check):
    node()
    source = "const data = require('./data.json')\nexports.main = async () => '商店' + data.a\n"
    found = check(index_js=source.encode("gbk"), data_json='{"a": "商店"}'.encode("gbk"))
    end = "of the file is not UTF-8: its texts are read with replaced characters; save it as UTF-8"
    assert found == [
        ("data.json", 1, 8, "note", "not-utf-8", f"byte 8 {end}"),
        ("index.js", 2, 29, "note", "not-utf-8", f"byte 65 {end}"),
    ]


def test_settings_that_are_not_utf_8_are_named_once(check):
    (found,) = check(index_py=PLAIN, config_json='{"permissions": "商店"}'.encode("gbk"))
    assert found[4] == "invalid-json"
