"""Parameters in the URL, files, and files as answers: the facade over HTTPS and Cloud Run."""

import json
import logging
import re
from email import message_from_bytes, policy
from urllib.parse import parse_qsl

import pytest
from support.entries import CHECK, DRAW, FETCH, ROOMS, TASK, catalogue_of

from cloud_openapi import CloudSDKError
from cloud_openapi.client import Client
from cloud_openapi.openapi import OpenAPI
from cloud_openapi.transports import Exchange, Reply
from cloud_openapi.transports.cloudrun import CloudRunTransport
from cloud_openapi.transports.https import HTTPExchange, HTTPSTransport

PNG = b"\x89PNG\r\n\x1a\n\x00\xff token=not-a-secret --x\r\n"
OK = Reply(200, "OK", b'{"errcode": 0, "errmsg": "ok"}')
TOKEN = "94_70ken-70ken-70ken"


class Canned(Exchange):
    """Grants a token; keeps the requests and answers each with the same reply."""

    def __init__(self, reply=OK):
        self.reply = reply
        self.asked = []

    def send(self, method, target, body=None, headers=None):
        if target.startswith("/cgi-bin/"):
            granted = {"access_token": TOKEN, "expires_in": 7200}
            return Reply(200, "OK", json.dumps(granted).encode())
        self.asked.append((method, target, body, headers))
        return self.reply


TRANSPORTS = {
    "https": lambda exchange: HTTPSTransport(exchange, "wx1", "a-secret"),
    "cloudrun": CloudRunTransport,
}


@pytest.fixture
def openapi(tmp_path):
    """Return a function that makes a facade of the test's entries."""
    catalogue = catalogue_of(tmp_path)

    def openapi(exchange, transport="https"):
        client = Client(None, TRANSPORTS[transport](exchange))
        return OpenAPI(catalogue, lambda _caller: client)

    return openapi


def query_of(target):
    return dict(parse_qsl(target.partition("?")[2], keep_blank_values=True))


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_get_request_has_its_parameters_in_the_url_and_no_body(openapi, transport):
    exchange = Canned()
    facade = openapi(exchange, transport)(convertCase=False)
    facade.rooms.list(roomId=7, key_word="零 &=#é", ready=True, tags=["a", {"b": 1.5}], gone=None)
    ((method, target, body, headers),) = exchange.asked
    token = {"access_token": TOKEN} if transport == "https" else {}
    assert (method, target.partition("?")[0]) == ("GET", ROOMS["path"])
    assert query_of(target) == {
        **token,
        "roomId": "7",
        "key_word": "零 &=#é",
        "ready": "true",
        "tags": '["a",{"b":1.5}]',
    }
    assert (body, headers) == (None, None)


def test_without_parameters_and_token_the_target_is_the_path(openapi):
    exchange = Canned()
    openapi(exchange, "cloudrun").shop.ping()
    assert exchange.asked == [("GET", "/test/shop/ping", None, None)]


def test_a_post_request_has_some_parameters_in_the_url_and_the_others_in_the_body(openapi):
    exchange = Canned()
    openapi(exchange).tasks.add(openId="o", idList=["a"], moreThings={"aB": 1})
    ((method, target, body, headers),) = exchange.asked
    assert (method, target.partition("?")[0]) == ("POST", TASK["path"])
    assert query_of(target) == {"access_token": TOKEN, "open_id": "o"}
    assert json.loads(body) == {"id_list": ["a"], "more_things": {"a_b": 1}}
    assert headers is None


def test_a_post_request_with_all_parameters_in_the_url_has_an_empty_body(openapi):
    exchange = Canned()
    openapi(exchange).pictures.check(type="photo", imgUrl="https://a/?b=c")
    ((_, target, body, headers),) = exchange.asked
    assert query_of(target) == {
        "access_token": TOKEN,
        "type": "photo",
        "img_url": "https://a/?b=c",
    }
    assert (body, headers) == (b"", None)


def form_of(body, headers):
    """Return the parts of a form as Python's own parser of MIME reads them."""
    head = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode()
    return list(message_from_bytes(head + body, policy=policy.HTTP).iter_parts())


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_file_is_a_part_of_a_form_and_the_other_parameters_stand_in_the_url(openapi, transport):
    exchange = Canned()
    file = {"contentType": "image/jpeg", "value": PNG}
    openapi(exchange, transport).pictures.check(imgFile=file, type="photo", width=280)
    ((method, target, body, headers),) = exchange.asked
    assert (method, target.partition("?")[0]) == ("POST", CHECK["path"])
    query = query_of(target)
    query.pop("access_token", None)
    assert query == {"type": "photo", "width": "280"}
    (part,) = form_of(body, headers)
    assert part["Content-Disposition"].params == {"name": "img_file", "filename": "img_file.jpeg"}
    assert part.get_content_type() == "image/jpeg"
    assert PNG + b"\r\n--" in body


def test_each_form_has_a_boundary_of_its_own(openapi):
    exchange = Canned()
    call = openapi(exchange).pictures.check
    for _ in "12":
        call(imgFile={"contentType": "image/png", "value": b""})
    assert exchange.asked[0][3] != exchange.asked[1][3]


def test_a_filename_cannot_leave_its_header(openapi):
    exchange = Canned()
    name = 'a"; x="\r\nX-Header: 1\r\n.png'
    file = {"contentType": "image/png", "value": PNG, "fileName": name}
    openapi(exchange)(convertCase=False).pictures.check(img_file=file)
    ((_, _, body, headers),) = exchange.asked
    (part,) = form_of(body, headers)
    assert part["X-Header"] is None
    assert b'filename="a%22; x=%22%0D%0AX-Header: 1%0D%0A.png"\r\n' in body


FILE_IS = 'a file is {"contentType": "image/png", "value": bytes}'


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (PNG, "img_file is bytes"),
        ("a.png", "img_file is str"),
        ({"contentType": "image/png", "value": "QQ=="}, 'img_file has a "value" that is str'),
        ({"contentType": "image/png"}, 'img_file has no "value"'),
        ({"contentType": "image/png", "buffer": PNG}, 'img_file has no "value"'),
        ({"contentType": "image/png", "value": None}, 'img_file has a "value" that is NoneType'),
        ({"contenType": "image/png", "value": PNG}, 'img_file has no "contentType"'),
        ({}, 'img_file has no "contentType"'),
        ({"contentType": "", "value": PNG}, "img_file has no valid contentType"),
        ({"contentType": "image/png\r\nX: 1", "value": PNG}, "img_file has no valid contentType"),
    ],
)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_malformed_file_is_refused_with_an_example(openapi, transport, given, words):
    exchange = Canned()
    with pytest.raises(TypeError, match=re.escape(f"pictures.check: {words}: {FILE_IS}")):
        openapi(exchange, transport).pictures.check(imgFile=given)
    assert exchange.asked == []


def test_bytes_that_are_no_file_are_refused_with_the_names_of_the_files(openapi):
    facade = openapi(Canned())
    reason = f"Object of type bytes is not JSON serializable; it takes img_file, and {FILE_IS}"
    with pytest.raises(TypeError, match=re.escape(reason)):
        facade.pictures.check(type=PNG)
    with pytest.raises(TypeError, match="it takes no file, and a file is"):
        facade.rooms.list(key_word={"contentType": "image/png", "value": PNG})


def test_a_file_of_none_is_left_out(openapi):
    exchange = Canned()
    openapi(exchange).pictures.check(imgFile=None, type="photo")
    assert query_of(exchange.asked[0][1]) == {"access_token": TOKEN, "type": "photo"}


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("convert", [True, False])
@pytest.mark.parametrize(
    "content", [PNG, b"", b"GIF89a", b'["a list"]', b"{broken", b"<html>"], ids=repr
)
def test_a_file_comes_back_byte_for_byte(openapi, transport, convert, content):
    exchange = Canned(Reply(200, "OK", content, {"Content-Type": "image/png"}))
    facade = openapi(exchange, transport)
    assert facade(convertCase=convert).pictures.draw(text="a") == {
        "contentType": "image/png",
        "buffer": content,
        "errMsg": "openapi.pictures.draw:ok",
    }


@pytest.mark.parametrize("api", [DRAW["name"], FETCH["name"]])
def test_an_api_of_files_answers_errors_and_other_objects_as_json(openapi, api):
    refused = Reply(200, "OK", b' \n{"errcode": 40007, "errmsg": "invalid media_id"}')
    with pytest.raises(CloudSDKError, match=f"openapi.{api}:fail invalid media_id") as caught:
        openapi(Canned(refused))[api]()
    assert caught.value.errCode == 40007
    video = Reply(200, "OK", b'{"video_url": "https://a"}', {"Content-Type": "image/png"})
    assert openapi(Canned(video))[api]() == {
        "videoUrl": "https://a",
        "errMsg": f"openapi.{api}:ok",
    }


def test_another_api_does_not_take_a_file_for_an_answer(openapi):
    exchange = Canned(Reply(200, "OK", PNG, {"Content-Type": "image/png"}))
    with pytest.raises(CloudSDKError, match="response body is invalid json"):
        openapi(exchange).tasks.add(idList=[])


def test_a_form_and_a_query_arrive_over_a_socket_without_reaching_the_log(
    openapi, httpserver, caplog
):
    httpserver.expect_request("/cgi-bin/stable_token").respond_with_json(
        {"access_token": TOKEN, "expires_in": 7200}
    )
    httpserver.expect_request(CHECK["path"]).respond_with_json({"errcode": 0})
    httpserver.expect_request(FETCH["path"]).respond_with_data(PNG, content_type="image/png")
    caplog.set_level(logging.DEBUG)
    exchange = HTTPExchange(httpserver.url_for("").rstrip("/"), timeout=10)
    facade = openapi(exchange)
    file = {"contentType": "image/png", "value": PNG}
    facade.pictures.check(imgFile=file, type="photo")
    assert facade.pictures.fetch(mediaId="a b")["buffer"] == PNG
    check, fetch = (request for request, _ in httpserver.log if "token" not in request.path)
    sent = check.files["img_file"]
    with sent.stream as content:
        assert (sent.filename, content.read()) == ("img_file.png", PNG)
    assert dict(check.args) == {"access_token": TOKEN, "type": "photo"}
    assert (fetch.method, dict(fetch.args)) == ("GET", {"access_token": TOKEN, "media_id": "a b"})
    assert (fetch.content_length or 0, fetch.content_type) == (0, None)
    lines = [line for line in caplog.text.splitlines() if "urllib3" in line and "/test/" in line]
    assert len(lines) == 2
    assert TOKEN not in "".join(lines)
