"""What WeChat's pages say of wrong and right requests for messages, checks, codes and links."""

import pytest
from jsonschema import Draft202012Validator
from support.values import NOW

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.demo import DEMO_APPID
from cloud_openapi.emulator import Clock, Emulator, create_app

RISKY = "特3456书yuuo莞6543李zxcz蒜7782法fgnv级"
MESSAGE = {"touser": "o1", "template_id": "t1", "data": {"thing1": {"value": "咖啡"}}}
TEMPLATE = {"tid": "401", "kidList": [1, 2], "sceneDesc": "测试数据"}
TITLES = {"ids": "2,616", "start": 0, "limit": 30}
CHECK = {"content": "你好", "version": 2, "scene": 1, "openid": "o1"}
FILE_CHECK = {"media_url": "https://example.com/a.png", "media_type": 2}
CHAT = {"touser": "o1", "msgtype": "text", "text": {"content": "你好"}}
ARTICLE = {"title": "a", "description": "a", "picurl": "a", "url": "a"}
OLD_MESSAGE = {"touser": "o1", "template_id": "t1", "form_id": "f1"}
WEAPP = {"template_id": "t1", "form_id": "f1"}
ACCOUNT = {"appid": "wx1", "template_id": "t1"}
ACTIVITY = {"activity_id": "a1", "target_state": 0, "template_info": {"parameter_list": []}}
CARD = {"activity_id": "a1", "target_state": 1, "template_id": "t1", "version_type": 0}
SMS = {"env": "e1", "phone_number_list": ["+8613800138000", "+8613800138001"]}
SMS_V2 = {**SMS, "url_link": "u", "template_id": "t1", "template_param_list": []}
REPORT = {"report_action": "openH5", "env_id": "e1", "activity_id": "a1"}


def without(params, *names):
    return {name: value for name, value in params.items() if name not in names}


def data(**values):
    return {**MESSAGE, "data": {name: {"value": value} for name, value in values.items()}}


REFUSED = {
    "auth.getPaidUnionId": [({"transaction_id": "t1"}, 40003)],
    "chattoolmsg.send": [(without(CARD, "activity_id"), 47501)],
    "cloudbase.report": [(REPORT, 47001), ({**REPORT, "report_action": "sendSmsTask"}, 47001)],
    "cloudbase.sendSms": [
        ({**SMS, "phone_number_list": []}, -501007),
        ({**SMS, "phone_number_list": ["13800138000"]}, -501007),
        ({**SMS, "phone_number_list": ["+8613800138000"] * 1001}, -501007),
    ],
    "cloudbase.sendSmsV2": [({**SMS_V2, "phone_number_list": ["138"]}, -501007)],
    "customerServiceMessage.send": [
        (without(CHAT, "touser"), 40003),
        (without(CHAT, "text"), 47001),
        ({**CHAT, "msgtype": "news", "news": {"articles": [ARTICLE, ARTICLE]}}, 45008),
    ],
    "customerServiceMessage.setTyping": [
        ({"touser": "o1"}, 45072),
        ({"touser": "o1", "command": "typing"}, 45072),
    ],
    "customerServiceMessage.uploadTempMedia": [
        ({"type": "text"}, 40004),
        ({"type": "image"}, 41005),
    ],
    "phonenumber.getPhoneNumber": [({"code": ""}, 40029)],
    "redpacketcover.getAuthenticationUrl": [
        ({"ctoken": "c1"}, 9600001),
        ({"openid": "o1"}, 9600002),
    ],
    "search.imageSearch": [({"img": 1, "image": 1}, 47001), ({"image": 1}, 41005)],
    "search.submitPages": [({"pages": []}, 40219), ({"pages": [{}] * 1001}, 47004)],
    "security.imgSecCheck": [({"file": 1}, 41005)],
    "security.mediaCheckAsync": [
        ({**FILE_CHECK, "media_type": 3}, 40004),
        ({**FILE_CHECK, "version": 2, "scene": 1, "openid": ""}, 40003),
        ({**FILE_CHECK, "version": 2, "openid": "o1"}, 47001),
    ],
    "security.msgSecCheck": [
        (without(CHECK, "openid"), 47001),
        (without(CHECK, "scene"), 47001),
        ({**CHECK, "scene": 5}, 40129),
        ({**CHECK, "openid": ""}, 40003),
        ({"content": RISKY}, 87014),
        ({"content": "完2347全dfji试3726测asad感3847知qwez到"}, 87014),
        ({"content": f"售卖{RISKY} 的"}, 87014),
    ],
    "shortlink.generate": [({"page_url": ""}, 40066), ({"page_url": "p" * 1025}, 40066)],
    "subscribeMessage.addTemplate": [
        ({**TEMPLATE, "tid": ""}, 200014),
        ({**TEMPLATE, "kidList": [1]}, 200020),
        ({**TEMPLATE, "kidList": [1, 2, 3, 4, 5, 6]}, 200020),
        ({**TEMPLATE, "sceneDesc": "测" * 16}, 200021),
    ],
    "subscribeMessage.getPubTemplateKeyWordsById": [({}, 200014)],
    "subscribeMessage.getPubTemplateTitleList": [
        (without(TITLES, "ids"), 200018),
        ({**TITLES, "ids": "2;616"}, 200019),
        ({**TITLES, "start": -1}, 200016),
        ({**TITLES, "limit": 31}, 200017),
    ],
    "subscribeMessage.send": [
        (without(MESSAGE, "touser"), 40003),
        ({**MESSAGE, "touser": ""}, 40003),
        ({**MESSAGE, "template_id": ""}, 40037),
        (without(MESSAGE, "data"), 47003),
        ({**MESSAGE, "data": '{"thing1": {"value": "咖啡"}}'}, 47003),
        ({**MESSAGE, "data": {"thing1": "咖啡"}}, 47003),
        ({**MESSAGE, "data": {"unknown": {"text": "咖啡"}}}, 47003),
        (data(thing3=""), 47003),
        (data(thing23="长" * 21), 47003),
        (data(phrase2="配送中abc"), 47003),
        (data(phrase2="正在配送中吗"), 47003),
        (data(number1="12个"), 47003),
        (data(letter1="a1"), 47003),
        (data(symbol1="a"), 47003),
        (data(character_string1="a" * 33), 47003),
        (data(character_string1="订单1"), 47003),
        (data(amount1="十元"), 47003),
        (data(phone_number1="+86-0766-66888866-1"), 47003),
        (data(car_number1="粤A8Z888挂车牌"), 47003),
        (data(time1=""), 47003),
    ],
    "templateMessage.send": [
        (without(OLD_MESSAGE, "template_id"), 40037),
        (without(OLD_MESSAGE, "form_id"), 41028),
    ],
    "uniformMessage.send": [
        ({"mp_template_msg": ACCOUNT}, 40003),
        ({"touser": "o1", "mp_template_msg": {**ACCOUNT, "template_id": ""}}, 40037),
        ({"touser": "o1", "weapp_template_msg": {"template_id": "t1"}}, 41028),
        ({"touser": "o1", "mp_template_msg": {"template_id": "t1"}}, 40013),
    ],
    "updatableMessage.setUpdatableMsg": [
        ({**ACTIVITY, "activity_id": ""}, 47501),
        ({**ACTIVITY, "target_state": 2}, 47502),
        (
            {
                **ACTIVITY,
                "target_state": 1,
                "template_info": {"parameter_list": [{"name": "version_type", "value": "beta"}]},
            },
            47503,
        ),
    ],
    "urllink.generate": [
        ({"path": "/pages/index?a=1"}, 40165),
        ({"query": "a=中"}, 40212),
        ({"expire_type": 1, "expire_interval": 31}, 85401),
        ({"env_version": "beta"}, 85402),
    ],
    "urllink.query": [({"query_type": 0}, 40097)],
    "urlscheme.generate": [
        ({"jump_wxa": {"path": "/pages/index?a=1"}}, 40165),
        ({"jump_wxa": {"query": "a" * 1025}}, 40212),
        ({"jump_wxa": {"env_version": "beta"}}, 85402),
        ({"expire_type": 1, "expire_interval": 0}, 85401),
    ],
    "urlscheme.generateNFCScheme": [
        ({"model_id": "m1", "jump_wxa": {"path": "/pages/index?a=1"}}, 40165),
        ({"model_id": "m1", "jump_wxa": {"query": "a=中"}}, 40212),
        ({"model_id": "m1", "jump_wxa": {"env_version": "beta"}}, 85402),
    ],
    "urlscheme.query": [({"scheme": ""}, 40097)],
    "wxacode.createQRCode": [
        ({"width": 430}, 40159),
        ({"path": "p" * 129}, 40159),
        ({"path": "pages/index?scancode_time=1"}, 85096),
    ],
    "wxacode.get": [
        ({"path": "", "env_version": "release", "width": 280}, 40159),
        ({"path": "p" * 1025}, 40159),
        ({"path": "pages/index?scancode_time=1"}, 85096),
        ({"path": "pages/index", "env_version": "beta"}, 40097),
    ],
    "wxacode.getUnlimited": [
        ({"page": "pages/index"}, 40169),
        ({"scene": "s" * 33}, 40169),
        ({"scene": "scancode_time=1"}, 85096),
        ({"scene": "a=%20"}, 40129),
        ({"scene": "a=1", "page": "/pages/index"}, 41030),
        ({"scene": "a=1", "page": "pages/index?a=1"}, 41030),
        ({"scene": "a=1", "page": "pages/index", "env_version": "release_error"}, 40097),
    ],
}
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


@pytest.fixture(scope="module")
def answer():
    emulator = Emulator(clock=Clock(NOW))
    client = create_app(emulator).test_client()
    token = emulator.program(DEMO_APPID).tokens.grant_stable(force=False)[0]

    def call(api, params):
        operation = default_catalogue()[api]
        query = {name: params[name] for name in params if name in operation.query}
        rest = {name: params[name] for name in params if name not in operation.query}
        given = {} if operation.method == "GET" or not rest else {"json": rest}
        return client.open(
            operation.path,
            method=operation.method,
            query_string={"access_token": token, **query},
            **given,
        )

    return call


@pytest.mark.parametrize(
    ("api", "params", "code"), [(api, *case) for api, cases in REFUSED.items() for case in cases]
)
def test_a_request_that_a_page_refuses_gets_its_error(answer, api, params, code):
    body = answer(api, params).json
    assert body["errcode"] == code
    assert body["errmsg"].startswith(default_catalogue()[api].errors.get(code, ""))


@pytest.mark.parametrize("api", REFUSED)
def test_each_condition_of_an_entry_has_such_a_request(api):
    refusals = [each for each in default_catalogue()[api].answers if "errcode" in each]
    matches = [Draft202012Validator(refusal["when"]).is_valid for refusal in refusals]
    first = {next((i for i, m in enumerate(matches) if m(case[0])), -1) for case in REFUSED[api]}
    assert set(range(len(refusals))) <= first


@pytest.mark.parametrize(("api", "params"), ACCEPTED)
def test_a_request_by_the_page_is_answered(answer, api, params):
    assert answer(api, params).json["errcode"] == 0


def test_version_2_of_the_text_check_passes_harmless_text(answer):
    body = answer("security.msgSecCheck", CHECK).json
    assert body["result"] == {"suggest": "pass", "label": 100}
    assert [each["strategy"] for each in body["detail"]] == ["keyword", "content_model"]


def test_version_2_of_the_text_check_calls_the_risky_text_risky(answer):
    body = answer("security.msgSecCheck", {**CHECK, "content": RISKY}).json
    assert body["errcode"] == 0
    assert body["result"]["suggest"] == "risky"


def test_the_documented_text_passes_in_version_2_for_another_user(answer):
    body = answer("security.msgSecCheck", {**CHECK, "content": "hello world!"}).json
    assert body["result"] == {"suggest": "pass", "label": 100}


def test_version_1_of_the_text_check_has_no_result(answer):
    body = answer("security.msgSecCheck", {"content": "你好"}).json
    assert body == {"errcode": 0, "errmsg": "ok"}


def test_each_phone_number_gets_its_outcome(answer):
    body = answer("cloudbase.sendSms", SMS).json
    phones = [each["phone_number"] for each in body["send_status_list"]]
    assert phones == SMS["phone_number_list"]
    assert len({each["serial_no"] for each in body["send_status_list"]}) == len(phones)


def test_each_cloud_id_gets_its_data(answer):
    body = answer("cloudbase.getOpenData", {"cloudid_list": ["a", "b"]}).json
    assert [each["json"]["cloudID"] for each in body["data_list"]] == ["a", "b"]


def test_a_phone_number_has_the_mini_program_and_the_time_in_its_watermark(answer):
    info = answer("phonenumber.getPhoneNumber", {"code": "c1"}).json["phone_info"]
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
def test_each_link_differs_from_the_one_before(answer, api, params, field, begin):
    links = [answer(api, params).json[field] for _ in range(2)]
    assert all(link.startswith(begin) for link in links)
    assert links[0] != links[1]


@pytest.mark.parametrize(
    ("api", "field", "info"),
    [
        ("urllink.query", "url_link", "url_link_info"),
        ("urlscheme.query", "scheme", "scheme_info"),
    ],
)
def test_a_link_can_be_looked_up_and_so_can_the_quota(answer, api, field, info):
    found = answer(api, {field: "x"}).json[info]
    assert found["appid"] == DEMO_APPID
    assert found["create_time"] == int(NOW.timestamp())
    quota = answer(api, {field: "x", "query_type": 1}).json
    assert quota["quota_info"] == {"remain_visit_quota": 1000000}


def test_an_activity_ends_after_a_day(answer):
    body = answer("updatableMessage.createActivityId", {}).json
    assert body["expiration_time"] == int(NOW.timestamp()) + 86400


def test_a_code_takes_any_page_that_is_not_to_be_checked(answer):
    found = answer("wxacode.getUnlimited", {"scene": "a=1", "page": "/p", "check_path": False})
    assert found.mimetype == "image/png"
