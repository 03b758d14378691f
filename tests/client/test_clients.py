"""Unmodified third-party clients against the emulator, over a socket."""

import base64
import io
import json
import re
import shutil
import subprocess
from operator import attrgetter

import pytest
from requests.adapters import HTTPAdapter
from support.both_forms import HTTPS
from support.paths import ROOT, sample
from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Emulator, Server, create_app, listen

NODE = ROOT / "tests" / "node"
CATALOGUE = default_catalogue()
APIS = ["getDailyRetain", "getWeeklyVisitTrend", "getVisitPage"]
CONTENT = b"\x89PNG\r\n\x1a\n\x00\xff--x\r\n"


@pytest.fixture
def server():
    with Server(create_app(Emulator()), listen("127.0.0.1", 0)) as server:
        yield server


# ---- wechatpy ------------------------------------------------------------------------------


class ToEmulator(HTTPAdapter):
    """Sends what is for WeChat to the emulator."""

    def __init__(self, url):
        super().__init__()
        self.url = url

    def send(self, request, **options):
        request.url = request.url.replace("https://api.weixin.qq.com", self.url, 1)
        return super().send(request, **{**options, "proxies": None})


def wechatpy(server, secret=DEMO_SECRET):
    """Return a client that gets its token from the emulator too."""
    client = WeChatClient(DEMO_APPID, secret)
    client._http.mount("https://api.weixin.qq.com/", ToEmulator(server.url))
    return client


@pytest.mark.parametrize("api", APIS)
def test_wechatpy_gets_the_documented_response(server, api):
    answer = wechatpy(server).post(
        CATALOGUE[f"analysis.{api}"].path.removeprefix("/"),
        data=sample(f"{api}.request.official-https.json"),
        api_base_url="https://api.weixin.qq.com/",
    )
    assert answer == sample(f"{api}.response.official-https.json")


def test_wechatpy_raises_the_emulators_errors(server):
    url = f"https://api.weixin.qq.com{CATALOGUE['analysis.getDailyRetain'].path}"
    with pytest.raises(WeChatClientException) as caught:
        wechatpy(server).post(url, data={"begin_date": "20170313", "end_date": "20170314"})
    assert caught.value.errcode == 61501
    with pytest.raises(WeChatClientException) as caught:
        wechatpy(server, "wrong").post(url, data={})
    assert caught.value.errcode == 40125


def documented(api, index=0):
    return CATALOGUE[api].examples[index]["response"]


def image():
    file = io.BytesIO(CONTENT)
    file.name = "a.png"
    return file


KEYWORDS = {"keyword1": {"value": "339208499"}}
PAGE = {"title": "t", "appid": "a", "pagepath": "p", "thumb_media_id": "m"}
ARTICLE = {"title": "t", "description": "d", "url": "u", "picurl": "p"}
ACTION = {"url": "http://www.qq.com", "action_time": 1513077790, "action_type": "RESERVATION"}
SENT = [
    ("wxa.send_template_message", ("OPENID", "T", KEYWORDS, "FORMID")),
    ("wxa.send_template_message", ("O", "T", KEYWORDS, "F", "index", "#173177", "keyword1.DATA")),
    ("wxa.send_subscribe_message", ("OPENID", "T", {"thing1": {"value": "咖啡"}})),
    ("wxa.send_subscribe_message", ("O", "T", {"time2": {"value": "15:01"}}, "index?foo=bar")),
    ("wxa.del_template", ("wDYzYZVxobJivW9oMpSCpuvACOfJXQIoKUm0PY397Tc",)),
    ("wxa.check_text_security", ("你好",)),
    ("wxa.check_image_security", (image(),)),
    ("message.send_text", ("OPENID", "你好")),
    ("message.send_text", ("OPENID", "你好", "test1@kftest")),
    ("message.send_image", ("OPENID", "MEDIA_ID")),
    ("message.send_voice", ("OPENID", "MEDIA_ID")),
    ("message.send_video", ("OPENID", "MEDIA_ID")),
    ("message.send_video", ("OPENID", "MEDIA_ID", "TITLE", "DESCRIPTION")),
    ("message.send_music", ("OPENID", "MUSIC_URL", "HQ_MUSIC_URL", "MEDIA_ID")),
    ("message.send_music", ("OPENID", "MUSIC_URL", "HQ_MUSIC_URL", "MEDIA_ID", "T", "D")),
    ("message.send_articles", ("OPENID", [ARTICLE])),
    ("message.send_articles", ("OPENID", "MEDIA_ID")),
    ("message.send_link", ("OPENID", ARTICLE)),
    ("message.send_card", ("OPENID", "123dsdajkasd231jhksad")),
    ("message.send_mini_program_page", ("OPENID", PAGE)),
]
READ = [
    ("wxa.list_library_templates", (0, 5), documented("templateMessage.getTemplateLibraryList")),
    ("wxa.get_library_template", ("AT0002",), documented("templateMessage.getTemplateLibraryById")),
    ("wxa.list_templates", (0, 1), documented("templateMessage.getTemplateList")["list"]),
    (
        "wxa.add_template",
        ("AT0002", [3, 4, 5]),
        documented("templateMessage.addTemplate")["template_id"],
    ),
    (
        "wxa.get_paid_unionid",
        ("OPENID", "TRANSACTION_ID"),
        documented("auth.getPaidUnionId")["unionid"],
    ),
    (
        "marketing.add_user_action_sets",
        ("WEB", "webuser_action_set", ""),
        documented("ad.addUserActionSet")["data"]["user_action_set_id"],
    ),
    ("marketing.add_user_actions", ([ACTION],), documented("ad.addUserAction")),
    (
        "marketing.get_user_action_sets",
        (1109706321,),
        documented("ad.getUserActionSets")["data"]["list"],
    ),
]
CODES = [
    ("wxa.create_qrcode", "wxacode.createQRCode", {"path": "pages/a"}),
    ("wxa.get_wxa_code", "wxacode.get", {"path": "pages/a?b=1"}),
    ("wxa.get_wxa_code_unlimited", "wxacode.getUnlimited", {"scene": "a=1"}),
]


@pytest.fixture
def methods(server):
    """Return a function that calls a method of wechatpy by its name."""
    client = wechatpy(server)
    return lambda name, *args, **named: attrgetter(name)(client)(*args, **named)


@pytest.mark.parametrize(("method", "args"), SENT)
def test_wechatpy_sends_with_each_of_its_methods(methods, method, args):
    assert methods(method, *args) == {"errcode": 0, "errmsg": "ok"}


@pytest.mark.parametrize(("method", "args", "answer"), READ)
def test_wechatpy_reads_the_documented_answer_with_each_of_its_methods(
    methods, method, args, answer
):
    assert methods(method, *args) == answer


def test_wechatpy_gets_made_ids(methods):
    checked = methods("wxa.check_media_async", "https://example.com/a.png", 2)
    assert re.fullmatch("[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}", checked["trace_id"])


@pytest.mark.parametrize(("method", "api", "params"), CODES)
def test_wechatpy_gets_codes_byte_for_byte(methods, method, api, params):
    code = methods(method, **params)
    sent = json.loads(code.request.body)
    assert sent.items() >= params.items()
    assert (code.headers["content-type"], code.content) == HTTPS(CATALOGUE).call(api, sent)


def test_wechatpy_gets_the_file_that_it_uploaded(methods):
    uploaded = methods("media.upload", "image", image())
    file = methods("media.download", uploaded["media_id"])
    assert (file.headers["content-type"], file.content) == ("image/png", CONTENT)
    with pytest.raises(WeChatClientException) as caught:
        methods("media.download", "another")
    assert caught.value.errcode == 40007


# ---- node-easywechat -----------------------------------------------------------------------


def easywechat(server, kind, calls):
    """Return the answers to calls of one process of Node.js."""
    node = shutil.which("node")
    if node is None or not (NODE / "node_modules" / "node-easywechat").is_dir():
        pytest.skip("Node.js or tests/node/node_modules is missing: npm ci --prefix tests/node")
    result = subprocess.run(
        [node, "easywechat.js", server.url, DEMO_APPID, DEMO_SECRET, kind],
        check=True,
        input=json.dumps(calls),
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=NODE,
    )
    return json.loads(result.stdout)


@pytest.mark.parametrize("kind", ["token", "stable"])
def test_node_easywechat_gets_the_documented_responses(server, kind):
    calls = [
        {
            "method": "post",
            "path": CATALOGUE[f"analysis.{api}"].path,
            "json": sample(f"{api}.request.official-https.json"),
        }
        for api in APIS
    ]
    answers = [sample(f"{api}.response.official-https.json") for api in APIS]
    assert easywechat(server, kind, calls) == answers


BY_EXAMPLE = [
    (operation, example)
    for operation in CATALOGUE.values()
    if not operation.simulation
    for example in operation.examples
]


def call_of(operation, example, folder):
    """Return node-easywechat's call of an example, whose files are in a folder."""
    given = example["request"]
    files = {
        name: str(folder / given[name]["filename"]) for name in operation.files if name in given
    }
    params = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in given.items()
        if name in operation.query
    }
    rest = {name: given[name] for name in given if name not in files and name not in params}
    call = {"method": operation.method.lower(), "path": operation.path, "params": params}
    if operation.method == "POST" and not files and (rest or not params):
        call["json"] = rest
    return {**call, "files": files, "binary": "response" not in example}


@pytest.mark.slow
def test_node_easywechat_gets_the_answer_of_each_api(server, tmp_path):
    (tmp_path / "test.jpg").write_bytes(CONTENT)
    calls = [call_of(operation, example, tmp_path) for operation, example in BY_EXAMPLE]
    answers = easywechat(server, "stable", calls)
    for (operation, example), answer in zip(BY_EXAMPLE, answers, strict=True):
        if "response" in example:
            assert answer == example["response"], operation.name
        else:
            file = answer["contentType"], base64.b64decode(answer["base64"])
            assert file == HTTPS(CATALOGUE).call(operation.name, example["request"])
