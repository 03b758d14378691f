"""Unmodified third-party clients work against the emulator, over a socket."""

import json
import shutil
import subprocess

import pytest
from support.paths import ROOT, sample
from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException
from wechatpy.session.memorystorage import MemoryStorage

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Emulator, Server, create_app, listen

NODE = ROOT / "tests" / "node"
APIS = ["getDailyRetain", "getWeeklyVisitTrend", "getVisitPage"]


@pytest.fixture
def server():
    with Server(create_app(Emulator()), listen("127.0.0.1", 0)) as server:
        yield server


def wechatpy(server, secret=DEMO_SECRET):
    """Return a client that fetches its token from the emulator too."""

    class Client(WeChatClient):
        API_BASE_URL = server.url

        def fetch_access_token(self):
            fields = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret}
            return self._fetch_access_token(f"{server.url}/cgi-bin/token", fields)

    return Client(DEMO_APPID, secret, session=MemoryStorage())


@pytest.mark.parametrize("api", APIS)
def test_wechatpy_gets_a_token_and_the_documented_answer(server, api):
    answer = wechatpy(server).post(
        default_catalogue()[f"analysis.{api}"].path,
        data=sample(f"{api}.request.official-https.json"),
    )
    assert answer == sample(f"{api}.response.official-https.json")


def test_wechatpy_raises_the_emulators_errors(server):
    path = default_catalogue()["analysis.getDailyRetain"].path
    with pytest.raises(WeChatClientException) as caught:
        wechatpy(server).post(path, data={"begin_date": "20170313", "end_date": "20170314"})
    assert caught.value.errcode == 61501
    with pytest.raises(WeChatClientException) as caught:
        wechatpy(server, "wrong").post(path, data={})
    assert caught.value.errcode == 40125


@pytest.mark.parametrize("kind", ["token", "stable"])
@pytest.mark.parametrize("api", APIS)
def test_node_easywechat_gets_a_token_and_the_documented_answer(server, api, kind):
    node = shutil.which("node")
    if node is None or not (NODE / "node_modules" / "node-easywechat").is_dir():
        pytest.skip("Node.js or tests/node/node_modules is missing: npm ci --prefix tests/node")
    body = json.dumps(sample(f"{api}.request.official-https.json"))
    path = default_catalogue()[f"analysis.{api}"].path
    result = subprocess.run(
        [node, "easywechat.js", server.url, DEMO_APPID, DEMO_SECRET, path, body, kind],
        check=True,
        capture_output=True,
        text=True,
        cwd=NODE,
    )
    assert json.loads(result.stdout) == sample(f"{api}.response.official-https.json")
