"""Docstrings of the facade's methods, and hints of errors, for every kind of API."""

import pytest
from support.entries import catalogue_of

from cloud_openapi import CloudSDKError, UnknownAPIError
from cloud_openapi.client import Client
from cloud_openapi.openapi import OpenAPI

CAMEL = {"convertCase": False}


class Answering:
    """A transport that answers each call alike, and keeps its parameters."""

    def __init__(self):
        self.answer = {}
        self.sent = []

    def send(self, operation, params):
        self.sent.append(params)
        return self.answer


@pytest.fixture
def transport():
    return Answering()


@pytest.fixture
def openapi(tmp_path, transport):
    client = Client(None, transport)
    return OpenAPI(catalogue_of(tmp_path), lambda _caller: client)


def test_help_shows_nested_fields_and_what_the_page_lacks(openapi):
    assert openapi.rooms.list.__doc__ == (
        "Test rooms.list.\n"
        "\n"
        "Parameters:\n"
        "    roomId: integer.\n"
        "    keyWord: string.\n"
        "    ready: boolean.\n"
        "    tags: array.\n"
        "\n"
        "Returns:\n"
        "    rooms: array.\n"
        "        roomId: integer.\n"
        "        anyThing: any.\n"
        "    errMsg: string.\n"
        "\n"
        "WeChat's page lacks: errors, cloud example.\n"
        "\n"
        "Raises CloudSDKError. Permission: rooms.list\n"
        "https://developers.weixin.qq.com/miniprogram/dev/server/API/test"
    )


@pytest.mark.parametrize("convert", [True, False])
def test_help_shows_files_alike_in_both_forms(openapi, convert):
    check = openapi(convertCase=convert).pictures.check.__doc__
    name = "imgFile" if convert else "img_file"
    assert (
        f"    {name}: object. The picture\n        contentType: string.\n        value: bytes.\n"
    ) in check
    assert "Returns:\n    errMsg: string.\n\n" in check
    draw = openapi(convertCase=convert).pictures.draw.__doc__
    assert (
        "Returns:\n    contentType: string.\n    buffer: bytes.\n    errMsg: string.\n\n"
    ) in draw
    assert "Parameters:\n    none\n\n" in openapi(convertCase=convert).shop.ping.__doc__


def test_a_name_of_four_parts_is_found_part_by_part(openapi, transport):
    transport.answer = {"order": {"order_state": 2}}
    assert openapi.shop.sec.order.getOrder(orderKey={"mchId": "1"}) == {
        "order": {"orderState": 2},
        "errMsg": "openapi.shop.sec.order.getOrder:ok",
    }
    assert transport.sent == [{"order_key": {"mch_id": "1"}}]
    assert dir(openapi.shop) == ["ping", "sec"]
    assert dir(openapi.shop.sec) == ["order"]


@pytest.mark.parametrize("name", ["roomId", "room_id"])
def test_an_error_explains_a_name_that_conversion_changed(openapi, transport, name):
    transport.answer = {"errcode": 47001, "errmsg": "data format error"}
    with pytest.raises(CloudSDKError) as caught:
        openapi.rooms.list({name: 7, 5: None})
    assert transport.sent == [{5: None, "room_id": 7}]
    assert caught.value.hint == (
        "WeChat's name is roomId, but the call sent room_id, as wx-server-sdk does. "
        "To keep the names: cloud.openapi(convertCase=False).rooms.list(…)"
    )


def test_an_error_without_such_a_name_has_no_such_hint(openapi, transport):
    transport.answer = {"errcode": 47001, "errmsg": "data format error"}
    for call in (
        lambda: openapi(convertCase=False).rooms.list(roomId=7),
        lambda: openapi.rooms.list(keyWord="a"),
        lambda: openapi.tasks.add(idList=[]),
    ):
        with pytest.raises(CloudSDKError) as caught:
            call()
        assert "convertCase" not in caught.value.hint


def test_a_documented_call_without_an_entry_is_converted_as_others_are(openapi, transport):
    transport.answer = {"errcode": 0, "errmsg": "ok", "short_url": "u", "a": [{"b_c": 1}]}
    search, raw = (each.officialAccount.semantic.search for each in (openapi, openapi(CAMEL)))
    ok = {"errMsg": "openapi.officialAccount.semantic.search:ok"}
    assert search(cityName="a") == {"shortUrl": "u", "a": [{"bC": 1}], **ok}
    assert raw({"cityName": "a"}) == {"short_url": "u", "a": [{"b_c": 1}], **ok}
    assert transport.sent == [{"city_name": "a"}, {"cityName": "a"}]
    assert search.__doc__ == (
        "A call without an entry in the catalogue, which only the gateway carries.\n"
        "\n"
        "Raises CloudSDKError. Permission: officialAccount.semantic.search\n"
        "https://developers.weixin.qq.com/miniprogram/dev/server/API/"
    )
    transport.answer = {"errcode": 40001, "errmsg": "no"}
    with pytest.raises(CloudSDKError, match="search:fail no"):
        search()


def test_a_documented_call_may_have_another_one_below_it(openapi):
    update = openapi.officialAccount.card.update
    assert update()["errMsg"] == "openapi.officialAccount.card.update:ok"
    below = "openapi.officialAccount.card.update.updateBoardingPass:ok"
    assert update.updateBoardingPass()["errMsg"] == below


def test_an_unknown_name_shows_some_known_ones_only(openapi):
    with pytest.raises(UnknownAPIError) as caught:
        openapi["nothing.like.it"]
    assert caught.value.hint == (
        'There is no API "nothing.like.it" in the catalogue. Known: door.list, door.open, '
        "notice.send, pictures.check, pictures.draw and 6 more; cloud-openapi apis lists them."
    )
    with pytest.raises(UnknownAPIError, match=r'Did you mean "rooms\.list"'):
        openapi.rooms.lits  # noqa: B018 - looking it up raises
