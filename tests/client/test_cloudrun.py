"""Cloud Run: without a token of one's own, or with the one of the platform's file."""

import json
import logging
import os

import pytest
from support.paths import ROOT
from support.values import CLOUD_DAY as DAY

from cloud_openapi import Cloud, CloudSDKError
from cloud_openapi.transports import _settings

PATH = "/datacube/getweanalysisappiddailyretaininfo"
TOKEN = "file+token/1"


@pytest.fixture
def facade(httpserver):
    def make(**settings):
        httpserver.expect_request(PATH).respond_with_json({"ref_date": "20170313"})
        cloud = Cloud()
        cloud.init(
            transport="cloudrun",
            base_url=httpserver.url_for("").rstrip("/"),
            config=ROOT / "config.json",
            **settings,
        )
        return cloud

    return make


def asked(httpserver):
    return [dict(request.args) for request, _ in httpserver.log]


def test_without_a_file_a_call_has_no_token_at_all(facade, httpserver):
    assert facade().openapi.analysis.getDailyRetain(DAY)["refDate"] == "20170313"
    assert asked(httpserver) == [{}]
    assert json.loads(httpserver.log[0][0].get_data())["begin_date"] == "20170313"


def test_the_token_of_the_file_is_read_again_when_it_changes(facade, httpserver, tmp_path):
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    os.utime(file, ns=(1, 1))
    call = facade(token_file=file).openapi.analysis.getDailyRetain
    call(DAY)
    call(DAY)
    file.write_text("file+token/2")
    call(DAY)
    expected = [TOKEN, TOKEN, "file+token/2"]
    assert asked(httpserver) == [{"cloudbase_access_token": token} for token in expected]


@pytest.mark.parametrize("text", [None, "", " \n", "ü"])
def test_a_file_without_a_token_is_an_error_that_names_it(facade, tmp_path, text):
    file = tmp_path / "token"
    if text is not None:
        file.write_text(text, "utf-8")
    with pytest.raises(CloudSDKError, match="no token in") as caught:
        facade(token_file=file).openapi.analysis.getDailyRetain(DAY)
    assert caught.value.errCode == -1
    assert str(file) in caught.value.errMsg


def test_the_local_config_json_still_counts(facade, tmp_path, httpserver):
    cloud = Cloud()
    cloud.init(transport="cloudrun", config=tmp_path / "config.json")
    with pytest.raises(CloudSDKError) as caught:
        cloud.openapi.analysis.getDailyRetain(DAY)
    assert caught.value.errCode == -604101


def test_the_token_reaches_no_log_and_no_error(facade, httpserver, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    file = tmp_path / "token"
    file.write_text(TOKEN)
    said = []
    for answer in ({"errcode": 40001, "errmsg": f"bad {TOKEN}"}, TOKEN):
        httpserver.clear_all_handlers()
        httpserver.expect_request(PATH).respond_with_json(answer)
        cloud = Cloud()
        cloud.init(
            transport="cloudrun",
            base_url=httpserver.url_for("").rstrip("/"),
            config=ROOT / "config.json",
            token_file=file,
        )
        with pytest.raises(CloudSDKError) as caught:
            cloud.openapi.analysis.getDailyRetain(DAY)
        said.append(str(caught.value))
    # The server that the test runs has a log of its own.
    logged = [r.getMessage() for r in caplog.records if r.name.startswith("urllib3")]
    assert any("cloudbase_access_token=***" in line for line in logged)
    everything = f"{said} {logged} {cloud!r}"
    assert TOKEN not in everything
    assert "file%2Btoken" not in everything
    assert "bad ***" in said[0]


def test_by_default_the_side_car_is_called_over_http_and_with_a_file_wechat_over_https(
    monkeypatch, tmp_path
):
    made = []
    monkeypatch.setattr(_settings, "open_exchange", lambda url, _timeout: made.append(url))
    for settings in ({}, {"token_file": tmp_path / "token"}):
        Cloud().init(transport="cloudrun", config=ROOT / "config.json", **settings)
    assert made == ["http://api.weixin.qq.com", "https://api.weixin.qq.com"]
