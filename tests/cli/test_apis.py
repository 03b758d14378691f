"""`apis`: every cloud call that WeChat documents, and what the package knows of each."""

import json

import pytest
from support.entries import SEND, UPLOAD, catalogue_of

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.catalogue.cloud_calls import cloud_calls
from cloud_openapi.catalogue.states import state_of
from cloud_openapi.cli import _apis
from cloud_openapi.cli._api_text import page_of

RETAIN = "analysis.getDailyRetain"
# Of another kind of account: documented, and without an entry.
UNKNOWN = "officialAccount.semantic.search"


@pytest.fixture
def printed(command):
    """Return a function that runs `apis`, and gives what it prints; it must succeed."""

    def printed(*arguments):
        code, out, err = command("apis", *arguments)
        assert (code, err) == (0, "")
        return out

    return printed


@pytest.fixture
def known(monkeypatch, tmp_path):
    """Put the entries of the tests in place of the catalogue, beside a name without an entry."""
    catalogue = catalogue_of(tmp_path)
    monkeypatch.setattr(_apis, "default_catalogue", lambda: catalogue)
    monkeypatch.setattr(_apis, "cloud_calls", lambda: frozenset([*catalogue, UNKNOWN]))
    return catalogue


def test_each_documented_cloud_call_is_a_line_with_its_state(printed):
    rows = [line.split() for line in printed().splitlines()]
    assert [row[0] for row in rows] == sorted(cloud_calls())
    states = {row[0]: row[1] for row in rows}
    assert states == {name: state_of(default_catalogue().get(name)) for name in cloud_calls()}
    assert states[RETAIN] == "simulated"
    assert states[UNKNOWN] == "name"


@pytest.mark.usefixtures("known")
def test_a_line_has_method_path_and_what_the_page_lacks(printed):
    lines = printed("oo").splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        "door.list example POST /test/door",
        "door.open example POST /test/door",
        "rooms.list example GET /test/rooms/list no errors, cloud example",
    ]


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["door"], ["door.list", "door.open"]),
        (["/TEST/picture"], [f"pictures.{each}" for each in ("check", "draw", "fetch", "upload")]),
        (["test notice"], ["notice.send"]),
        (["--state", "name"], [UNKNOWN]),
        (["--state", "simulated"], []),
        (["semantic", "--state", "name"], [UNKNOWN]),
    ],
    ids=str,
)
def test_names_paths_summaries_and_states_select(printed, arguments, names):
    assert [each["name"] for each in json.loads(printed("--json", *arguments))] == names


@pytest.mark.usefixtures("known")
def test_json_of_the_list_has_the_same_fields_for_each_call(printed):
    entries = {each["name"]: each for each in json.loads(printed("--json"))}
    assert len({tuple(entry) for entry in entries.values()}) == 1
    assert entries["notice.send"] == {
        "name": "notice.send",
        "state": "example",
        "summary": SEND["summary"],
        "method": "POST",
        "path": SEND["path"],
        "docs": SEND["docs"],
        "lacks": ["cloud example"],
    }
    assert entries[UNKNOWN] == {
        **dict.fromkeys(entries[UNKNOWN]), "name": UNKNOWN, "state": "name", "lacks": [],
    }  # fmt: skip


def test_json_of_one_call_has_its_schemas_in_both_forms(printed, known):
    shown = json.loads(printed("pictures.upload", "--json"))
    operation = known["pictures.upload"]
    for form in ("https", "cloud"):
        for side in ("request", "response"):
            assert shown[form][side] == operation.schema(form, side)
    assert shown["examples"] == UPLOAD["examples"]
    assert json.loads(printed("notice.send", "--json"))["errors"] == SEND["errors"]


@pytest.mark.usefixtures("known")
def test_one_call_is_a_page(printed):
    text = printed("notice.send")
    for part in (
        "notice.send: Test notice.send\nPOST /test/notice/send\n",
        "answers as the documented example does.\n",
        'Permission: "notice.send" in permissions.openapi',
        "WeChat's page lacks: cloud example.",
        f"\n{SEND['docs']}\n",
        "  touser: string, required. The user\n  lang: string\n",
        "  errcode: integer, required. Error code, 0 for success\n",
        "  43101  user refuse to accept the msg\n",
    ):
        assert part in text
    text = printed("pictures.upload")
    assert "type: string, required, in the URL" in text
    assert "file image/*; cloud call: {contentType, value}, required. The picture" in text
    assert "a file (image/png); cloud call: {contentType, buffer}" in printed("pictures.draw")


def test_page_has_both_names_of_a_field_and_the_rule(printed):
    text = printed(RETAIN)
    assert "  begin_date, beginDate: string, required. " in text
    assert default_catalogue()[RETAIN].rules[0].describe() in text
    assert "    value: integer, required. Users: all of them at key 0" in text


@pytest.mark.parametrize("name", default_catalogue())
def test_the_page_of_each_api_fits_a_terminal(name):
    text = page_of(name, default_catalogue()[name])
    long = [line for line in text.splitlines() if len(line) > 80]
    # Links and texts of errors stay in one piece.
    assert [line for line in long if "https://" not in line and line.startswith("   ")] == []


@pytest.mark.usefixtures("known")
def test_a_call_without_an_entry_says_how_to_pin_it(printed):
    text = printed(UNKNOWN)
    assert f"cloud-openapi control pins add {UNKNOWN} --response '{{}}'" in text


@pytest.mark.parametrize(
    ("text", "advice"),
    [("analysis.getDailyRetian", f"Did you mean {RETAIN}?"), ("xyz", 'no API matches "xyz".')],
)
def test_nothing_found_is_wrong_usage_with_advice(command, text, advice):
    code, _out, err = command("apis", text)
    assert code == 2
    assert advice in err
