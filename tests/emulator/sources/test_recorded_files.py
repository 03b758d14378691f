"""Modes for APIs with files, files as answers, and parameters in the URL: recorded and replayed."""

import json

import pytest
from support.entries import CHECK, DRAW, ROOMS, catalogue_of
from support.gateway import Gateway
from support.values import NOW

from cloud_openapi import CloudSDKError
from cloud_openapi.client import Client
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Clock, Emulator, Server, create_app, listen
from cloud_openapi.openapi import OpenAPI
from cloud_openapi.recordings import load
from cloud_openapi.transports.https import HTTPSTransport
from cloud_openapi.transports.wsgi import WSGIExchange
from cloud_openapi.wire.messages import Pair

# Part of it looks like a secret, and it must stay as it is.
PICTURE = b"\x89PNG\r\n\x1a\n\x00\xff\r\n--x token=abcdefghijkl012345 \r\n\x00"


@pytest.fixture
def catalogue(tmp_path):
    return catalogue_of(tmp_path / "catalogue")


@pytest.fixture
def service(catalogue):
    """Serve another emulator in the place of WeChat."""
    emulator = Emulator(catalogue=catalogue, clock=Clock(NOW))
    with Server(create_app(emulator), listen("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def emulated(catalogue, tmp_path, service):
    """Return a function that makes an emulator in a mode."""

    def emulated(mode, **settings):
        place = tmp_path / "recordings"
        upstream = None if mode in {"replay", "spy"} else service.url
        given = {"mode": mode, "recordings": place, "upstream": upstream, **settings}
        return Emulator(catalogue=catalogue, clock=Clock(NOW), **given)

    return emulated


def facade_of(emulator):
    exchange = WSGIExchange(create_app(emulator))
    client = Client(None, HTTPSTransport(exchange, DEMO_APPID, DEMO_SECRET))
    return OpenAPI(emulator.catalogue, lambda _caller: client)


def answers(openapi):
    """Make calls of every kind, and return their results."""
    raw = openapi(convertCase=False)
    file = {"contentType": "image/png", "value": PICTURE}
    made = [
        openapi.pictures.check(imgFile=file, type="photo"),
        openapi.pictures.check(imgUrl="https://a/b?c=d"),
        openapi.pictures.draw(text="零"),
        raw.rooms.list(roomId=7, key_word="a b&c"),
        raw.rooms.list(roomId=8),
        openapi.tasks.add(openId="o", idList=["a"]),
        openapi.shop.ping(),
    ]
    made.append(openapi.pictures.fetch(mediaId=made[0]["mediaId"]))
    with pytest.raises(CloudSDKError) as caught:
        openapi.pictures.fetch(mediaId="unknown")
    return [*made, caught.value.errCode]


def test_what_was_recorded_is_replayed_byte_for_byte(emulated, tmp_path):
    recorded = answers(facade_of(emulated("record")))
    assert recorded[2]["buffer"].startswith(b"\x89PNG")
    assert recorded[-2]["buffer"] == PICTURE
    replaying = emulated("replay")
    assert answers(facade_of(replaying)) == recorded
    checks = {entry.check for entry in replaying.journal if "/test/" in entry.path}
    assert all(check.startswith("recording of ") for check in checks), checks
    assert not [file for file in tmp_path.rglob("*.yaml") if DEMO_SECRET in file.read_text()]


def test_another_file_or_query_has_no_recording(emulated):
    answers(facade_of(emulated("record")))
    openapi = facade_of(emulated("replay"))
    other = {"contentType": "image/png", "value": PICTURE + b"\x00"}
    with pytest.raises(CloudSDKError, match="NO_MATCH"):
        openapi.pictures.check(imgFile=other, type="photo")
    with pytest.raises(CloudSDKError, match="NO_MATCH"):
        openapi(convertCase=False).rooms.list(roomId=9)


def test_the_difference_of_a_file_is_named(emulated):
    answers(facade_of(emulated("record")))
    replaying = emulated("replay")
    with pytest.raises(CloudSDKError):
        facade_of(replaying).pictures.check(
            imgFile={"contentType": "image/png", "value": b"GIF89a\x00"}, type="photo"
        )
    (words,) = {entry.check for entry in replaying.journal if entry.path == CHECK["path"]}
    assert f"body.form.img_file.size is 7, recorded is {len(PICTURE)}" in words


def test_calls_through_the_gateway_are_recorded_as_https_requests(
    emulated, catalogue, tmp_path, service
):
    place = tmp_path / "recordings"
    gateway = Gateway(
        catalogue=catalogue, clock=Clock(NOW), mode="record", recordings=place, upstream=service.url
    )
    gateway.functions.permissions_of = lambda _function: frozenset(catalogue)
    check = gateway.call(
        [Pair("img_file", PICTURE, "img_file.png"), Pair("type", b'"a"')], api="pictures.check"
    )
    assert json.loads(check.body)["media_id"]
    rooms = gateway.call([Pair("roomId", b"6"), Pair("key_word", b'"a"')], api="rooms.list")
    assert json.loads(rooms.body) == {"rooms": [{"room_id": 6}], "key_word": "a"}
    drawn = gateway.call([Pair("text", b'"a"')], api="pictures.draw")
    assert (drawn.content_type, drawn.body[:4]) == ("image/png", b"\x89PNG")
    by_api = {one.api: one for one in load(place, catalogue)}
    assert by_api["rooms.list"].method == "GET"
    assert by_api["rooms.list"].uri.endswith(
        f"{ROOMS['path']}?access_token=REDACTED&roomId=6&key_word=a"
    )
    assert by_api["rooms.list"].request_body == b""
    assert by_api["pictures.draw"].response_body == drawn.body
    assert by_api["pictures.draw"].response_json is None
    # The same call over HTTPS is answered by the recording of the gateway's.
    openapi = facade_of(emulated("replay"))
    file = {"contentType": "image/png", "value": PICTURE}
    found = openapi.pictures.check(imgFile=file, type="a")
    assert found["mediaId"] == json.loads(check.body)["media_id"]
    assert openapi.pictures.draw(text="a")["buffer"] == drawn.body


def test_a_different_outcome_of_a_file_is_a_difference(emulated, service, tmp_path):
    diffing = emulated("diff")
    openapi = facade_of(diffing)
    openapi.pictures.draw(text="a")
    with pytest.raises(CloudSDKError):
        openapi.pictures.fetch(mediaId="unknown")
    entries = [
        entry for entry in diffing.journal if entry.method == "GET" or entry.path == DRAW["path"]
    ]
    assert [entry.differences for entry in entries] == [(), ()]


def test_a_secret_in_the_url_is_not_sent_to_the_service(emulated, tmp_path):
    recording = emulated("record")
    token, _ = recording.program(DEMO_APPID).tokens.grant_stable(force=False)
    client = create_app(recording).test_client()
    target = (
        f"{ROOMS['path']}?access_token={token}&roomId=7&secret=not-for-the-service&key_word=%E9%FF"
    )
    assert client.get(target).status_code == 200
    (found,) = load(tmp_path / "recordings")
    assert "not-for-the-service" not in found.uri
    assert found.uri.count("access_token") == 1
