"""Calls that the console makes itself, as the journal sees them."""

import json

import pytest
from flask import request

from cloud_openapi.emulator import Emulator, create_app
from cloud_openapi.emulator.console.application import make_console
from cloud_openapi.emulator.console.sending import send_as_written, send_cloud, send_https
from cloud_openapi.emulator.console.tools import Tools
from cloud_openapi.emulator.errors import InvalidInputError
from cloud_openapi.runtime import Functions, UnknownFunctionError
from cloud_openapi.wire.https_form import Written
from cloud_openapi.wire.multipart import Part

RETAIN = "analysis.getDailyRetain"
DATES = {"begin_date": "20170313", "end_date": "20170313"}
CLOUD_DATES = {"beginDate": "20170313", "endDate": "20170313"}


def tools_of(emulator, functions=None):
    return Tools(emulator, functions, None, create_app(emulator, functions))


@pytest.fixture
def at_console():
    """Return a function that gives tools, in a request of a page of the console."""
    contexts = []

    def enter(emulator=None, functions=None):
        tools = tools_of(emulator or Emulator(), functions)
        context = make_console(tools).test_request_context(base_url="http://localhost/_console")
        context.push()
        contexts.append(context)
        return tools

    yield enter
    for context in contexts:
        context.pop()


@pytest.fixture
def functions(tmp_path):
    folder = tmp_path / "functions" / "retain"
    folder.mkdir(parents=True)
    (folder / "index.py").write_text("def main(event, context):\n    return {}\n")
    (folder / "config.json").write_text(json.dumps({"permissions": {"openapi": [RETAIN]}}))
    functions = Functions(tmp_path / "functions", {}, config=tmp_path / "config.json")
    yield functions
    functions.close()


def test_https_call_has_a_token_of_the_chosen_mini_program(at_console):
    tools = at_console(Emulator(apps={"wx1": "secret one", "wx2": "secret two"}))
    operation = tools.emulator.catalogue[RETAIN]
    number = send_https(tools, "wx2", operation, DATES)
    entry = tools.emulator.journal_entry(number)
    assert (entry.appid, entry.via, entry.errcode, entry.api) == ("wx2", "https", 0, RETAIN)
    assert json.loads(entry.body) == DATES


def test_https_call_puts_parameters_into_the_url_where_the_api_takes_them(at_console):
    tools = at_console()
    operation = tools.emulator.catalogue["liveBroadcast.getAssistantList"]
    assert operation.method == "GET"
    number = send_https(tools, tools.emulator.first_appid, operation, {"roomId": 1})
    entry = tools.emulator.journal_entry(number)
    assert (entry.errcode, json.loads(entry.body)) == (0, {"roomId": 1})


@pytest.mark.parametrize("form", ["https", "cloud"])
def test_files_are_sent(at_console, form):
    tools = at_console()
    api = "security.imgSecCheck"
    files = {"media": Part(b"\x89PNG\r\n\x1a\n", "a.png", "image/png")}
    if form == "https":
        operation = tools.emulator.catalogue[api]
        number = send_https(tools, tools.emulator.first_appid, operation, {}, files)
    else:
        number = send_cloud(tools, None, api, {}, files)
    entry = tools.emulator.journal_entry(number)
    assert entry.errcode == 0
    assert json.loads(entry.body)["media"]["filename"] == "a.png"


def test_cloud_call_renames_as_the_sdk_does_unless_told_not_to(at_console):
    tools = at_console()
    for params, convert in ((CLOUD_DATES, True), (DATES, False)):
        entry = tools.emulator.journal_entry(
            send_cloud(tools, None, RETAIN, params, convert=convert)
        )
        assert (entry.via, entry.function, json.loads(entry.body)) == ("gateway", None, DATES)


def test_cloud_call_of_a_mini_program(at_console):
    tools = at_console(Emulator(apps={"wx1": "secret one", "wx2": "secret two"}))
    entry = tools.emulator.journal_entry(send_cloud(tools, None, RETAIN, CLOUD_DATES, appid="wx2"))
    assert entry.appid == "wx2"


def test_cloud_call_has_the_permissions_of_the_function_alone(at_console, functions):
    tools = at_console(functions=functions)
    allowed = tools.emulator.journal_entry(send_cloud(tools, "retain", RETAIN, CLOUD_DATES))
    assert (allowed.errcode, allowed.function) == (0, "retain")
    other = "analysis.getMonthlyRetain"
    denied = tools.emulator.journal_entry(send_cloud(tools, "retain", other, CLOUD_DATES))
    assert (denied.errcode, denied.function) == (-604101, "retain")
    assert other in denied.reason
    outside = tools.emulator.journal_entry(send_cloud(tools, None, RETAIN, CLOUD_DATES))
    assert (outside.errcode, outside.function) == (-604101, None)


def test_function_that_lends_its_name_does_not_run(at_console, functions):
    tools = at_console(functions=functions)
    send_cloud(tools, "retain", "analysis.getMonthlyRetain", CLOUD_DATES)
    assert (list(functions.ended), functions.log_of("retain").lines()) == ([], [])
    assert functions.running_of("retain") is None


def test_unknown_function_is_named(at_console, functions):
    with pytest.raises(UnknownFunctionError):
        send_cloud(at_console(functions=functions), "nobody", RETAIN, CLOUD_DATES)


def test_call_is_signed_where_the_gateway_checks_it(at_console):
    tools = at_console(Emulator(gateway_secret="the key of the gateway"))
    entry = tools.emulator.journal_entry(send_cloud(tools, None, RETAIN, CLOUD_DATES))
    assert entry.errcode == 0


@pytest.mark.parametrize("form", ["https", "cloud"])
def test_dropped_connection_has_an_entry(at_console, form):
    tools = at_console()
    tools.emulator.faults.add({"kind": "drop"})
    number = (
        send_https(tools, tools.emulator.first_appid, tools.emulator.catalogue[RETAIN], DATES)
        if form == "https"
        else send_cloud(tools, None, RETAIN, CLOUD_DATES)
    )
    assert tools.emulator.journal_entry(number).status == 0


def test_call_of_a_name_without_an_entry_is_found_in_the_journal(at_console):
    tools = at_console()
    entry = tools.emulator.journal_entry(send_cloud(tools, None, "wxpay.unknown", {}))
    assert (entry.errcode, entry.path) == (-604100, "/admin")


@pytest.mark.parametrize("value", ["\ud800", float("nan")])
@pytest.mark.parametrize("form", ["https", "cloud"])
def test_value_that_json_cannot_carry_is_refused(at_console, form, value):
    tools = at_console()
    appid, operation = tools.emulator.first_appid, tools.emulator.catalogue[RETAIN]
    sends = {
        "https": lambda params: send_https(tools, appid, operation, params),
        "cloud": lambda params: send_cloud(tools, None, RETAIN, params),
    }
    with pytest.raises(InvalidInputError, match="JSON"):
        sends[form]({"begin_date": value})


def test_repeated_parameters_are_sent_as_they_are_written(at_console):
    tools = at_console(Emulator(apps={"wx1": "secret one"}))
    sent = []
    tools.app.before_request(lambda: sent.append(request.args.to_dict(flat=False)))
    written = Written("a=1&a=2&access_token=old&b=", "", None)
    send_as_written(tools, "wx1", "GET", "/wxa/none", written)
    (token,) = sent[0].pop("access_token")
    assert token != "old"
    assert sent == [{"a": ["1", "2"], "b": [""]}]
