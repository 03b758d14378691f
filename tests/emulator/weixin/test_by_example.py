"""APIs that answer by example: conditions, files, queries, in both forms."""

import json
import struct
import zlib

import pytest
from support.both_forms import HTTPS, CloudCall
from support.entries import DOORS, OK, OPEN_DOOR, ROOMS, UPLOAD, catalogue_of
from support.values import NOW

from cloud_openapi.demo import DEMO_APPID

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    return catalogue_of(tmp_path_factory.mktemp("catalogue"))


@pytest.fixture(params=[HTTPS, CloudCall])
def client(request, catalogue):
    return request.param(catalogue)


def test_a_documented_example_is_answered_to_the_letter(client):
    assert client.answer("notice.send", {"touser": "OPENID"}) == {"errcode": 0, "errmsg": "ok"}


def test_a_documented_file_is_known_by_its_name(catalogue):
    params, files = {"type": "image"}, {"media": ("test.jpg", "image/jpeg", PNG)}
    assert HTTPS(catalogue).answer("pictures.upload", params, files) == {"media_id": "MEDIA"}


def test_made_values_have_their_form_and_follow_from_the_seed(client, catalogue):
    first, second = (client.answer("notice.send", {"touser": "o1"}) for _ in range(2))
    assert first["msgid"] != second["msgid"]
    assert len(str(first["msgid"])) == 10
    a, hexadecimal, any_sign, decimal = first["trace"].split("-")
    assert (a, int(hexadecimal, 16) >= 0, any_sign.isalnum(), decimal.isdigit()) == (
        "a",
        True,
        True,
        True,
    )
    assert first["link"][:-1] == "go?t=#*"
    again = type(client)(catalogue)
    assert again.answer("notice.send", {"touser": "o1"}) == first


def test_parameters_the_time_and_lists_come_back(client):
    params = {"touser": "many", "list": [{"id": "a"}, {"id": "b"}, {}]}
    assert client.answer("notice.send", params) == {
        "list": [{"id": "a", "code": 0}, {"id": "b", "code": 0}, {"code": 0}],
        "at": int(NOW.timestamp()) + 60,
        "to": "many",
        "kind": "none",
        "items": params["list"],
        "appid": DEMO_APPID,
    }


def test_a_condition_answers_with_the_text_of_the_entry_and_says_why(client):
    body = client.answer("notice.send", {"touser": "o1", "notice_id": ""})
    assert body["errcode"] == 43101
    assert body["errmsg"].startswith("user refuse to accept the msg rid: ")
    entry = client.emulator.journal_entries()[-1]
    assert entry["reason"] in {"notice_id is empty", "noticeId is empty"}


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ({"thing1": {"value": "short"}, "thing2": {"value": "longer"}}, "data.thing2.value is"),
        ({"thing1": {"valeu": "short"}}, "data.thing1.value is missing"),
        ("longer", "data must be of type object, not"),
    ],
)
def test_the_reason_of_a_condition_names_the_value_within(client, data, value):
    assert client.answer("notice.send", {"touser": "o1", "data": data})["errcode"] == 47003
    reason = client.emulator.journal_entries()[-1]["reason"]
    assert reason.startswith(value)
    assert reason.endswith(": a value of data is missing or long")


@pytest.mark.parametrize("params", [{}, {"touser": 1}])
def test_what_breaks_the_schema_is_a_data_format_error(client, params):
    assert client.answer("notice.send", params)["errcode"] == 47001
    assert "touser" in client.emulator.journal_entries()[-1]["reason"]


def test_a_get_takes_numbers_and_booleans_from_the_query(client):
    answer = client.answer("rooms.list", {"roomId": 3, "ready": True})
    assert answer == {"rooms": [{"room_id": 3}], "key_word": "", "ready": True}
    assert client.answer("rooms.list", {"roomId": 7}) == {"rooms": [{"room_id": 7}]}
    assert client.answer("rooms.list", {"roomId": "x"})["errcode"] == 47001


def test_a_query_is_in_the_journal_without_the_token(catalogue):
    https = HTTPS(catalogue)
    https.client.get(
        ROOMS["path"], query_string={"access_token": https.token, "roomId": "3", "ready": "true"}
    )
    entry = https.emulator.journal_entries()[-1]
    assert entry["body"] == '{"roomId":3,"ready":true}'
    assert entry["api"] == "rooms.list"


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_get_refuses_other_methods(catalogue, method):
    https = HTTPS(catalogue)
    query = {"access_token": https.token, "roomId": "1"}
    answer = https.client.open(ROOMS["path"], method=method, query_string=query)
    assert answer.json["errcode"] == 43001


def test_a_file_comes_back_byte_for_byte_until_three_days_later(client):
    content = PNG + bytes(range(256))
    uploaded = client.answer(
        "pictures.upload", {"type": "image"}, {"media": ("a.png", "image/png", content)}
    )
    assert uploaded["created_at"] == int(NOW.timestamp())
    params = {"media_id": uploaded["media_id"]}
    assert client.call("pictures.fetch", params) == ("image/png", content)
    client.emulator.clock.advance(3 * 86400 - 1)
    assert client.call("pictures.fetch", params) == ("image/png", content)
    client.emulator.clock.advance(1)
    assert client.answer("pictures.fetch", params)["errcode"] == 40007


def test_the_journal_shows_a_file_with_its_content(client):
    client.answer("pictures.upload", {"type": "image"}, {"media": ("ü.png", "", b"\0\xff")})
    shown = json.loads(client.emulator.journal_entries()[-1]["body"])
    assert shown["media"] == {"filename": "ü.png", "base64": "AP8="}
    assert shown["type"] == "image"


def test_conditions_see_the_size_of_a_file(client):
    large = {"media": ("a.png", "image/png", bytes(5001))}
    assert client.answer("pictures.upload", {"type": "image"}, large)["errcode"] == 40009
    assert client.answer("pictures.upload", {"type": "image"})["errcode"] == 41005


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=x"])
def test_a_broken_form_is_a_data_format_error(catalogue, content_type):
    https = HTTPS(catalogue)
    answer = https.client.post(
        UPLOAD["path"],
        query_string={"access_token": https.token, "type": "image"},
        data=b"--x\r\nbroken",
        content_type=content_type,
    )
    assert answer.json["errcode"] == 47001
    assert "form is invalid" in https.emulator.journal_entries()[-1]["reason"]


@pytest.mark.parametrize(
    ("width", "at_most"), [(None, 430), (1280, 1280), (10, 280), (10**9, 1280)]
)
def test_a_code_is_a_png_of_about_the_width(client, width, at_most):
    params = {"text": "pages/index?a=1"} | ({} if width is None else {"width": width})
    kind, data = client.call("pictures.draw", params)
    assert kind == "image/png"
    assert data.startswith(PNG)
    assert zlib.crc32(data[12:29]) == struct.unpack(">I", data[29:33])[0]
    across, down = struct.unpack(">II", data[16:24])
    assert across == down
    assert at_most * 0.8 <= across <= at_most


def test_an_error_of_a_binary_api_is_json(client):
    assert client.answer("pictures.draw", {"text": 7})["errcode"] == 47001


def test_apis_that_share_a_path_are_told_apart_by_their_requests(client):
    for entry in (OPEN_DOOR, DOORS):
        (example,) = entry["examples"]
        assert client.answer(entry["name"], example["request"]) == example["response"]


def test_the_journal_names_the_api_that_answered(client):
    for entry in (DOORS, OPEN_DOOR):
        client.answer(entry["name"], entry["examples"][0]["request"])
    journal = client.emulator.journal_entries
    assert [entry["api"] for entry in journal()] == ["door.list", "door.open"]
    assert [entry["body"] for entry in journal(api="door.list")] == [journal()[0]["body"]]


def test_a_shared_path_refuses_what_fits_none(catalogue):
    https = HTTPS(catalogue)
    answer = https.client.post(
        DOORS["path"], query_string={"access_token": https.token}, json={"action": "?"}
    )
    assert answer.json["errcode"] == 47001


@pytest.mark.parametrize("media", [{"conten_type": "a"}, "a.png", None])
def test_a_file_that_comes_as_json_is_refused(client, media):
    body = client.answer("pictures.upload", {"type": "image", "media": media})
    assert body["errcode"] == 47001
    entry = client.emulator.journal_entries()[-1]
    key = "contenType" if entry["via"] == "gateway" else "conten_type"
    shown = f", it has {key}" if isinstance(media, dict) else ""
    assert entry["reason"].startswith(f"media is not a file{shown}: ")


def test_an_empty_file_is_refused(client):
    files = {"media": ("a.png", "image/png", b"")}
    assert client.answer("pictures.upload", {"type": "image"}, files)["errcode"] == 44001
    assert client.emulator.journal_entries()[-1]["reason"] == "the file media has no bytes"


def test_a_part_without_a_filename_is_not_a_file(catalogue):
    https = HTTPS(catalogue)
    answer = https.client.post(
        "/cgi-bin/pictures.upload",
        query_string={"access_token": https.token, "type": "image"},
        data=b'--x\r\nContent-Disposition: form-data; name="media"\r\n\r\nabc\r\n--x--\r\n',
        content_type="multipart/form-data; boundary=x",
    )
    assert answer.json["errcode"] == 41005
    assert https.emulator.journal_entries()[-1]["reason"].endswith("with curl, -F media=@FILE")


def test_a_reset_forgets_the_files(client):
    uploaded = client.answer("pictures.upload", {"type": "image"}, {"media": ("a.png", "", b"x")})
    client.emulator.reset_app(DEMO_APPID)
    params = {"media_id": uploaded["media_id"]}
    assert client.answer("pictures.fetch", params)["errcode"] == 40007


def test_a_readiness_fault_strikes_only_apis_about_days(catalogue):
    https = HTTPS(catalogue)
    https.emulator.faults.add({"kind": "not_ready", "until": "2030-01-01T00:00:00+08:00"})
    assert https.answer("notice.send", {"touser": "OPENID"}) == {"errcode": 0, "errmsg": "ok"}


def test_a_get_without_parameters_needs_no_body(client):
    assert client.answer("shop.ping", {}) == OK


@pytest.mark.parametrize("api", ["notice.send", "door.open"])
def test_half_a_surrogate_pair_is_a_data_format_error(catalogue, api):
    https = HTTPS(catalogue)
    answer = https.client.post(
        catalogue[api].path,
        query_string={"access_token": https.token},
        data='{"touser": "\\ud800", "notice_id": "\\ud800", "action": "\\ud800"}',
    )
    assert answer.json["errcode"] == 47001
