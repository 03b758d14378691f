"""What WeChat's pages say of right requests for messages, checks, codes and links."""

import pytest
from support.both_forms import HTTPS, CloudCall
from support.values import NOW

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.demo import DEMO_APPID

RISKY = "特3456书yuuo莞6543李zxcz蒜7782法fgnv级"
MESSAGE = {"touser": "o1", "template_id": "t1", "data": {"thing1": {"value": "咖啡"}}}
CHECK = {"content": "你好", "version": 2, "scene": 1, "openid": "o1"}
FILE_CHECK = {"media_url": "https://example.com/a.png", "media_type": 2}
CHAT = {"touser": "o1", "msgtype": "text", "text": {"content": "你好"}}
OLD_MESSAGE = {"touser": "o1", "template_id": "t1", "form_id": "f1"}
WEAPP = {"template_id": "t1", "form_id": "f1"}
ACCOUNT = {"appid": "wx1", "template_id": "t1"}
SMS = {"env": "e1", "phone_number_list": ["+8613800138000", "+8613800138001"]}
REPORT = {"report_action": "openH5", "env_id": "e1", "activity_id": "a1"}


def data(**values):
    return {**MESSAGE, "data": {name: {"value": value} for name, value in values.items()}}


ACCEPTED = [
    ("subscribeMessage.send", data(number3=0, amount4="￥100.5元", phrase2="配送中")),
    ("subscribeMessage.send", data(character_string5="A-1", phone_number6="+86-0766-66888866")),
    (
        "subscribeMessage.send",
        data(thing1="长" * 20, letter2="abc", symbol7="￥!", car_number8="粤A"),
    ),
    ("customerServiceMessage.send", CHAT),
    ("security.mediaCheckAsync", FILE_CHECK),
    ("templateMessage.send", OLD_MESSAGE),
    ("uniformMessage.send", {"touser": "o1", "weapp_template_msg": WEAPP}),
    ("uniformMessage.send", {"touser": "o1", "mp_template_msg": ACCOUNT}),
    ("cloudbase.report", {**REPORT, "channel_id": "c1", "session_id": "s1"}),
    ("search.submitPages", {"pages": [{"path": "pages/a", "query": "", "data_list": []}]}),
]


@pytest.fixture(scope="module", params=[HTTPS, CloudCall])
def client(request):
    return request.param(default_catalogue())


@pytest.mark.parametrize(("api", "params"), ACCEPTED)
def test_a_request_by_the_page_is_answered(client, api, params):
    assert client.answer(api, params)["errcode"] == 0


def test_version_2_of_the_text_check_passes_harmless_text(client):
    body = client.answer("security.msgSecCheck", CHECK)
    assert body["result"] == {"suggest": "pass", "label": 100}
    assert [each["strategy"] for each in body["detail"]] == ["keyword", "content_model"]


def test_version_2_of_the_text_check_calls_the_risky_text_risky(client):
    body = client.answer("security.msgSecCheck", {**CHECK, "content": RISKY})
    assert body["errcode"] == 0
    assert body["result"]["suggest"] == "risky"


def test_the_documented_text_passes_in_version_2_for_another_user(client):
    body = client.answer("security.msgSecCheck", {**CHECK, "content": "hello world!"})
    assert body["result"] == {"suggest": "pass", "label": 100}


def test_version_1_of_the_text_check_has_no_result(client):
    body = client.answer("security.msgSecCheck", {"content": "你好"})
    assert body == {"errcode": 0, "errmsg": "ok"}


def test_each_phone_number_gets_its_outcome(client):
    body = client.answer("cloudbase.sendSms", SMS)
    phones = [each["phone_number"] for each in body["send_status_list"]]
    assert phones == SMS["phone_number_list"]
    assert len({each["serial_no"] for each in body["send_status_list"]}) == len(phones)


def test_each_cloud_id_gets_its_data(client):
    body = client.answer("cloudbase.getOpenData", {"cloudid_list": ["a", "b"]})
    assert [each["json"]["cloudID"] for each in body["data_list"]] == ["a", "b"]


def test_a_phone_number_has_the_mini_program_and_the_time_in_its_watermark(client):
    info = client.answer("phonenumber.getPhoneNumber", {"code": "c1"})["phone_info"]
    assert info["phoneNumber"] == info["purePhoneNumber"]
    assert info["watermark"] == {"timestamp": int(NOW.timestamp()), "appid": DEMO_APPID}


@pytest.mark.parametrize(
    ("api", "params", "field", "begin"),
    [
        ("urllink.generate", {"path": "/pages/index"}, "url_link", "https://wxaurl.cn/"),
        ("urlscheme.generate", {"jump_wxa": {}}, "openlink", "weixin://dl/business/?t="),
        ("urlscheme.generateNFCScheme", {"model_id": "m"}, "openlink", "weixin://dl/business/?t="),
        ("shortlink.generate", {"page_url": "pages/index"}, "link", "#小程序://"),
    ],
)
def test_each_link_differs_from_the_one_before(client, api, params, field, begin):
    links = [client.answer(api, params)[field] for _ in range(2)]
    assert all(link.startswith(begin) for link in links)
    assert links[0] != links[1]


@pytest.mark.parametrize(
    ("api", "field", "info"),
    [
        ("urllink.query", "url_link", "url_link_info"),
        ("urlscheme.query", "scheme", "scheme_info"),
    ],
)
def test_a_link_can_be_looked_up_and_so_can_the_quota(client, api, field, info):
    found = client.answer(api, {field: "x"})[info]
    assert found["appid"] == DEMO_APPID
    assert found["create_time"] == int(NOW.timestamp())
    quota = client.answer(api, {field: "x", "query_type": 1})
    assert quota["quota_info"] == {"remain_visit_quota": 1000000}


def test_an_activity_ends_after_a_day(client):
    body = client.answer("updatableMessage.createActivityId", {})
    assert body["expiration_time"] == int(NOW.timestamp()) + 86400


def test_a_code_takes_any_page_that_is_not_to_be_checked(client):
    params = {"scene": "a=1", "page": "/p", "check_path": False}
    kind, content = client.call("wxacode.getUnlimited", params)
    assert kind == "image/png"
    assert content.startswith(b"\x89PNG")


def test_more_pages_than_a_request_may_have_are_refused(client):
    page = {"path": "pages/a", "query": "", "data_list": []}
    assert client.answer("search.submitPages", {"pages": [page] * 1000})["errcode"] == 0
    assert client.answer("search.submitPages", {"pages": [page] * 1001})["errcode"] == 47004
    assert client.answer("search.submitPages", {"pages": []})["errcode"] == 40219


def test_a_file_for_messages_comes_back(client):
    files = {"media": ("a.mp4", "video/mp4", b"abc")}
    kept = client.answer("customerServiceMessage.uploadTempMedia", {"type": "video"}, files)
    assert kept["type"] == "video"
    params = {"media_id": kept["media_id"]}
    kind, content = client.call("customerServiceMessage.getTempMedia", params)
    assert (kind, content) == ("video/mp4", b"abc")


def test_a_file_that_is_not_kept_is_refused(client):
    params = {"media_id": "unknown"}
    assert client.answer("customerServiceMessage.getTempMedia", params)["errcode"] == 40007
