"""Requests for other hosts, of other sites' pages, and of pages of this machine."""

import json
import socket
from contextlib import closing

import pytest
from support.processes import WAIT
from support.values import DAILY

from cloud_openapi.emulator import Emulator, Server, create_app, listen
from cloud_openapi.emulator.server.foreign_requests import Access
from cloud_openapi.runtime import Functions

ECHO = "def main(event, context):\n    open(__file__ + '.ran', 'a').close()\n    return {}\n"
CORS_OWN = (
    "def main(event, context):\n    return {'statusCode': 200, 'body': '',"
    " 'headers': {'access-control-allow-origin': '*'}}\n"
)
PAGE = "http://localhost:3000"
OWN_ROUTES = [
    "/", "/healthz", "/openapi.json", "/schemas", "/http/echo", "/http/echo/below",
    "/v1/functions/echo", "/_emulator/state", "/_console/", "//http/echo", "/%68ttp/echo",
]  # fmt: skip
ALL_ROUTES = [*OWN_ROUTES, "/cgi-bin/token", DAILY, "/admin", "/nowhere"]


class Site:
    """An application with the functions echo and own_cors, and what its answers are."""

    def __init__(self, folder, access=None):
        for name, source in {"echo": ECHO, "own_cors": CORS_OWN}.items():
            (folder / name).mkdir()
            (folder / name / "index.py").write_text(source)
        self.folder = folder
        self.functions = Functions(folder, {})
        self.emulator = Emulator()
        self.app = create_app(self.emulator, self.functions, access=access)
        self.client = self.app.test_client()

    def send(self, method, path, **headers):
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.open(path, method=method, headers=given, data=b"{}")

    @property
    def ran(self):
        return (self.folder / "echo" / "index.py.ran").exists()

    def close(self):
        self.functions.close()


@pytest.fixture
def site(tmp_path):
    with closing(Site(tmp_path)) as site:
        yield site


@pytest.fixture
def opened(tmp_path):
    """Return a function that makes a site with an access."""
    sites = []

    def opened(**access):
        sites.append(Site(tmp_path, Access(**access)))
        return sites[-1]

    yield opened
    for site in sites:
        site.close()


def status_of(site, host, path="/healthz"):
    return site.send("GET", path, Host=host).status_code


# ---- names ---------------------------------------------------------------------------------

FOREIGN = [
    "evil.example", "evil.example:7070", "localhost.evil.example", "127.0.0.1.evil.example",
    "evil@evil.example", "10.0.0.1", "0.0.0.0", "x", "[", "[::2]", "a:b:c",
    "api.weixin.qq.com.evil.example",
]  # fmt: skip


@pytest.mark.parametrize("path", ALL_ROUTES)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "TRACE"])
def test_another_sites_name_is_refused_at_every_route(site, method, path):
    answer = site.send(method, path, Host="evil.example")
    assert answer.status_code == 403
    assert answer.json["code"] in {"FOREIGN_HOST", "NOT_LOOPBACK"}
    assert not site.ran


@pytest.mark.parametrize("host", FOREIGN)
def test_a_name_that_is_not_this_machines_is_refused(site, host):
    answer = site.send("GET", "/healthz", Host=host)
    assert (answer.status_code, answer.json["code"]) == (403, "FOREIGN_HOST")
    assert "--allow-host" in answer.json["message"]


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:80", "127.8.9.10:1", "[::1]:7070", "[::ffff:127.0.0.1]", ""],
)
def test_a_name_of_this_machine_is_accepted(site, host):
    assert status_of(site, host) == 200


@pytest.mark.parametrize("host", ["wx.localhost:7070", "host.docker.internal:7070"])
def test_a_reserved_name_which_no_site_can_have_is_accepted(site, host):
    assert status_of(site, host) == 200


@pytest.mark.parametrize("path", ["/cgi-bin/token", DAILY, "/nowhere", "/wxa/msg_sec_check"])
@pytest.mark.parametrize("host", ["api.weixin.qq.com", "sh.api.weixin.qq.com:80"])
def test_wechats_name_has_wechats_paths(site, path, host):
    answer = site.send("GET", path, Host=host)
    assert (answer.status_code, "errcode" in answer.json) == (200, True)


@pytest.mark.parametrize("path", OWN_ROUTES)
def test_wechats_name_has_no_path_of_the_emulators_own(site, path):
    # The test client keeps the escapes and slashes of a path; the server would not.
    path = path.replace("//", "/").replace("%68", "h")
    assert status_of(site, "api.weixin.qq.com", path) == 403
    assert not site.ran


def test_the_gateways_names_have_its_path_alone(site):
    host = "tcb-open.tencentcloudapi.com"
    assert site.send("POST", "/admin", Host=host).status_code == 200
    assert status_of(site, host, "/http/echo") == 403


def test_hosts_that_were_added_are_accepted(opened):
    site = opened(hosts=frozenset({"wx.corp.example"}))
    assert status_of(site, "wx.corp.example:7070") == 200
    assert status_of(site, "wx.corp.example", "/_emulator/state") == 403
    assert status_of(site, "evil.wx.corp.example") == 403
    answer = site.send("POST", "/v1/functions/echo", Origin="http://wx.corp.example")
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [("10.0.0.1", 200), ("emulator:7070", 200), ("[fe80::1]:80", 200), ("evil.example", 403)],
)
def test_a_server_for_other_machines_has_addresses_and_short_names(opened, host, status):
    assert status_of(opened(wide=True), host) == status


@pytest.mark.parametrize("access", [{}, {"wide": True}, {"wide": True, "console_password": "p"}])
@pytest.mark.parametrize("path", ["/v1/functions/echo", "/http/echo", "/http/echo/below"])
@pytest.mark.parametrize("host", ["evil.example:7070", "127.0.0.1.evil.example"])
def test_site_that_resolves_to_this_machine_runs_no_function(opened, access, path, host):
    site = opened(**access)
    own_page = {"Origin": f"http://{host}", "Sec_Fetch_Site": "same-origin"}
    for headers in ({}, own_page):
        assert site.send("POST", path, Host=host, **headers).status_code == 403
    assert not site.ran


# ---- pages ---------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["emulator:7191", "emulator", "10.0.0.1:7070", "[fe80::1]:7070"])
@pytest.mark.parametrize("path", ["/http/echo", "/v1/functions/echo"])
def test_own_page_is_answered_under_each_name_of_the_emulator(opened, host, path):
    site = opened(wide=True)
    assert site.send("POST", path, Host=host, Origin=f"http://{host}").status_code == 200
    assert site.ran


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("emulator:7191", "http://emulator:3000"),
        ("emulator:7191", "http://emulator"),
        ("emulator:7191", "http://10.0.0.1:7191"),
        ("emulator:7191", "http://gateway.internal:7191"),
        ("evil.example:7191", "http://evil.example:7191"),
        ("", "null"),
        ("", "http://"),
    ],
)
def test_another_page_of_the_network_is_refused(opened, host, origin):
    site = opened(wide=True)
    answer = site.send("POST", "/http/echo", Host=host, Origin=origin)
    assert (answer.status_code, answer.json["code"]) == (403, "FOREIGN_PAGE")
    assert not site.ran


@pytest.mark.parametrize("origin", ["http://app.localhost:3000", "https://a.b.localhost"])
def test_page_of_a_name_below_localhost_is_answered(site, origin):
    assert site.send("POST", "/http/echo", Origin=origin).status_code == 200


@pytest.mark.parametrize("host", ["10.0.0.1:7070", "emulator:7070", "evil.example:7070"])
def test_own_name_in_an_origin_needs_a_host_that_is_accepted(site, host):
    answer = site.send("POST", "/http/echo", Host=host, Origin=f"http://{host}")
    assert answer.status_code == 403
    assert not site.ran


def test_own_page_of_another_machine_controls_only_if_it_is_allowed(opened):
    own = {"Host": "emulator:7070", "Origin": "http://emulator:7070"}
    assert opened(wide=True).send("GET", "/_emulator/state", **own).status_code == 403


def test_own_page_controls_where_control_is_open(opened):
    own = {"Host": "emulator:7070", "Origin": "http://emulator:7070"}
    site = opened(wide=True, control=True)
    assert site.send("GET", "/_emulator/state", **own).status_code == 200


# ---- control -------------------------------------------------------------------------------


def test_control_is_refused_to_other_machines_unless_it_is_allowed(opened):
    far = {"environ_overrides": {"REMOTE_ADDR": "172.17.0.1"}}
    site = opened(wide=True)
    assert site.client.get("/_emulator/state", **far).status_code == 403
    answer = site.client.get("/_emulator/state", headers={"Host": "emulator"})
    assert (answer.status_code, answer.json["code"]) == (403, "NOT_LOOPBACK")
    assert "--control any" in answer.json["message"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "127.0.0.1:7070"}, 200),
        ({"Host": "emulator:7070"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1:7070", "Origin": "https://evil.example"}, 403),
        ({"Host": "127.0.0.1:7070", "Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
def test_control_from_anywhere_still_refuses_other_sites(opened, headers, status):
    site = opened(wide=True, control=True)
    far = {"REMOTE_ADDR": "172.17.0.1"}
    answer = site.client.get("/_emulator/state", headers=headers, environ_overrides=far)
    assert answer.status_code == status


# ---- the proxy's role ----------------------------------------------------------------------


@pytest.fixture
def served(site):
    with Server(site.app, listen("127.0.0.1", 0), site.emulator.never_blocks) as server:
        site.port = int(server.url.rpartition(":")[2])
        yield site


def raw(served, line, host="localhost"):
    """Send a request line, and return the status and the body."""
    text = f"{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", served.port), WAIT) as connection:
        connection.sendall(text.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


TARGETS = [
    "http://evil.example/", "HTTP://evil.example/", "hTTps://evil.example/", "ftp://127.0.0.1/",
    "ftp://api.weixin.qq.com/", "file:///", "http:evil.example/", "http:/evil.example/", "http:///",
    "http://a:b/", "http://api.weixin.qq.com@evil.example/", "ws://localhost/",
    "https://api.weixin.qq.com/", "HTTP://API.WEIXIN.QQ.COM/", "evil.example:80", "healthz",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("base", TARGETS)
@pytest.mark.parametrize("path", OWN_ROUTES)
def test_own_routes_do_not_answer_for_another_host(served, base, path):
    target = base[:-1] + path if base.endswith("/") else base
    status, answer = raw(served, f"GET {target}")
    assert (status, answer["code"]) == (403, "NETWORK_BLOCKED")
    assert not served.ran


@pytest.mark.parametrize("base", ["http://api.weixin.qq.com", "HTTPS://API.weixin.qq.com:443"])
@pytest.mark.parametrize("path", ["/cgi-bin/token", DAILY, "/nowhere"])
def test_wechats_paths_answer_to_a_client_of_a_proxy(served, base, path):
    status, answer = raw(served, f"GET {base}{path}", host="api.weixin.qq.com")
    assert (status, "errcode" in answer) == (200, True)


@pytest.mark.parametrize("base", ["http://127.0.0.1", "HTTP://localhost", "http://[::1]"])
def test_own_address_in_the_request_line_is_answered(served, base):
    assert raw(served, f"GET {base}:{served.port}/healthz")[0] == 200


# ---- CORS ----------------------------------------------------------------------------------


def test_local_page_reads_a_functions_answer(site):
    answer = site.send("POST", "/http/echo", Origin=PAGE)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert answer.headers["Vary"] == "Origin"
    assert answer.headers.getlist("Access-Control-Allow-Credentials") == ["true"]


@pytest.mark.parametrize("path", ["/http/nothing", "/http/", "/openapi.json", "/http/echo/below"])
def test_errors_and_the_document_have_the_headers_too(site, path):
    answer = site.send("GET", path, Origin=PAGE)
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE


def test_preflight_is_answered_without_the_function(site):
    wanted = {"Access_Control_Request_Method": "PUT", "Access_Control_Request_Headers": "x-a, x-b"}
    answer = site.send("OPTIONS", "/http/echo", Origin=PAGE, **wanted)
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert "PUT" in answer.headers["Access-Control-Allow-Methods"]
    assert answer.headers["Access-Control-Allow-Headers"] == "x-a, x-b"
    assert not site.ran


def test_options_that_is_not_a_preflight_runs_the_function(site):
    assert site.send("OPTIONS", "/http/echo", Origin=PAGE).status_code == 200
    assert site.ran


def test_functions_own_headers_stand(site):
    answer = site.send("GET", "/http/own_cors", Origin=PAGE)
    assert answer.headers.getlist("Access-Control-Allow-Origin") == ["*"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("path", ["/_emulator/state", "/cgi-bin/token", "/", "/v1/functions/echo"])
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_other_paths_have_no_such_headers(site, path, method):
    wanted = {"Access_Control_Request_Method": "PUT"}
    answer = site.send(method, path, Origin=PAGE, **wanted)
    assert not [name for name in dict(answer.headers) if name.startswith("Access-Control")]


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_another_sites_page_has_no_such_headers(site, method):
    wanted = {"Access_Control_Request_Method": "PUT"}
    answer = site.send(method, "/http/echo", Origin="https://evil.example", **wanted)
    assert answer.status_code == 403
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert not site.ran
