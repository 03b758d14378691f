"""Tokens that several processes share: one fetch for all, also when the store fails."""

import json
import logging
import stat
import time
from contextlib import contextmanager

import pytest
from support.processes import until
from support.redis_server import redis_server

from cloud_openapi import Cloud, ConfigError
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Emulator, Server, create_app, listen
from cloud_openapi.tokens import AccessToken, Granted
from cloud_openapi.tokens._shared import SharedToken
from cloud_openapi.tokens._store import (
    FileStore,
    Key,
    RedisStore,
    SessionStore,
    Shared,
    StoreError,
    token_store,
)
from cloud_openapi.transports._settings import TransportSettings, _share
from cloud_openapi.transports.https import HTTPExchange

KEY = Key("https://api.weixin.qq.com", "wx1")
FAR = time.time() + 7200


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory):
    """Serve a real Redis on a free port."""
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server.url


class Sessions(dict):
    """A storage of sessions like wechatpy's."""

    def set(self, key, value, ttl=None):
        assert ttl is None or isinstance(ttl, int)
        self[key] = json.loads(json.dumps(value))

    def delete(self, key):
        self.pop(key, None)


@pytest.fixture(params=["file", "redis", "sessions"])
def store(request, tmp_path):
    if request.param == "file":
        return FileStore(tmp_path / "tokens")
    if request.param == "sessions":
        return SessionStore(Sessions())
    return RedisStore(request.getfixturevalue("redis_url"))


def own_key(request):
    return Key("http://127.0.0.1:1", request.node.name)


def test_store_keeps_a_token_for_each_mini_program_and_service(store, request):
    one, other = own_key(request), Key("http://127.0.0.1:1", "other")
    assert store.read(one) is None
    for number in range(2):
        store.write(one, Shared(f"token-{number}-12345678", FAR - 300, FAR))
        found = store.read(one)
        assert found.token == f"token-{number}-12345678"
        assert (found.until, found.ends) == (FAR - 300, FAR)
        assert "token-" not in repr(found) + repr(store)
    assert store.read(other) is None


def test_a_lease_has_one_owner_and_ends(store, request):
    if isinstance(store, SessionStore):
        pytest.skip("a session storage has no lease")
    key = own_key(request)
    with store.lease(key, 5) as first, store.lease(key, 5) as second:
        assert (first, second) == (True, False)
    with store.lease(key, 5) as again:
        assert again


def test_a_lease_in_redis_ends_by_itself_and_is_then_not_ended_by_its_former_owner(
    redis_url, request
):
    store, key = RedisStore(redis_url), own_key(request)
    with store.lease(key, 0.05) as first:
        assert first

        def taken():
            with store.lease(key, 30) as second:
                return second

        assert until(taken)
        owner = store.lease(key, 30)
        assert owner.__enter__()
    with store.lease(key, 5) as third:
        assert not third
    owner.__exit__(None, None, None)


def test_a_file_is_its_owner_s_and_replaced_whole(tmp_path):
    store = FileStore(tmp_path / "a" / "tokens")
    with store.lease(KEY, 1):
        store.write(KEY, Shared("secret-token", FAR, FAR))
    folder = tmp_path / "a" / "tokens"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = list(folder.iterdir())
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert not [file for file in files if file.suffix == ".new"]


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"token": 1}', b"\xff" * 99_999, b"null"])
def test_a_file_of_something_else_counts_as_none(tmp_path, content):
    store = FileStore(tmp_path)
    store.write(KEY, Shared("t", FAR, FAR))
    (file,) = tmp_path.glob("*.json")
    file.write_bytes(content)
    assert store.read(KEY) is None


class Service:
    """Grants numbered tokens."""

    def __init__(self, expires_in=7200):
        self.granted = 0
        self.expires_in = expires_in

    def fetch(self):
        self.granted += 1
        return Granted(f"token-{self.granted}", self.expires_in)


def client_of(store, service, key=KEY, seconds=2):
    return AccessToken(
        service.fetch, shared=SharedToken(store, key, lambda: Granted("stable", 7200), seconds)
    )


def test_second_process_uses_the_token_of_the_first(store, request):
    service, key = Service(), own_key(request)
    assert [client_of(store, service, key).get() for _ in range(3)] == ["token-1"] * 3


def test_what_was_refused_is_renewed_once_for_all(store, request):
    service, key = Service(), own_key(request)
    clients = [client_of(store, service, key) for _ in range(3)]
    assert {client.get() for client in clients} == {"token-1"}
    assert {client.renew("token-1") for client in clients} == {"token-2"}
    assert service.granted == 2


def test_near_its_end_one_process_renews_and_the_others_go_on_with_the_old_token(tmp_path):
    store, service = FileStore(tmp_path), Service()
    store.write(KEY, Shared("old", time.time() - 1, time.time() + 100))
    with store.lease(KEY, 5):
        assert client_of(store, service).get() == "old"
    assert client_of(store, service).get() == "token-1"


class Broken:
    """A store that fails at one of its methods."""

    def __init__(self, inner, failing):
        self._inner = inner
        self._failing = failing

    def __getattr__(self, name):
        if name == self._failing:
            raise StoreError("it is away")
        return getattr(self._inner, name)


@pytest.mark.parametrize("failing", ["read", "lease", "write"])
def test_store_that_fails_costs_no_call_and_is_said_once(tmp_path, caplog, failing):
    service = Service()
    shared = SharedToken(
        Broken(FileStore(tmp_path), failing), KEY, lambda: Granted("stable", 7200), 2
    )
    with caplog.at_level(logging.WARNING):
        tokens = [shared.grant(service.fetch, None).token for _ in range(3)]
    assert tokens == (["token-1", "token-2", "token-3"] if failing == "write" else ["stable"] * 3)
    assert [record.getMessage() for record in caplog.records] == [
        "The shared token store does not answer (it is away): tokens are fetched by stable_token"
    ]


class Timed:
    """A store without tokens, whose lease ends by its own clock."""

    def __init__(self):
        self.now = self.ends = 0.0

    def read(self, _key):
        return None

    def write(self, _key, _shared):
        """Keep nothing."""

    @contextmanager
    def lease(self, _key, seconds):
        mine = self.now >= self.ends
        if mine:
            self.ends = self.now + seconds
        yield mine


@pytest.mark.parametrize("timeout", [1.0, 15.0])
def test_the_lease_outlasts_a_slow_connection_with_a_slow_answer(timeout):
    store = Timed()
    settings = TransportSettings(token_store=store, timeout=timeout)
    shared = _share(settings, *KEY)(lambda: Granted("stable", 7200))

    def fetch():
        store.now += sum(HTTPExchange(KEY.base_url, timeout)._timeout)
        with store.lease(KEY, 1) as others:
            return Granted("both" if others else "one", 7200)

    assert shared.grant(fetch, None).token == "one"


def test_process_that_holds_the_lease_too_long_is_not_waited_for(tmp_path):
    store = FileStore(tmp_path)
    with store.lease(KEY, 5):
        assert client_of(store, Service(), seconds=0.2).get() == "stable"


def test_a_name_that_no_host_can_have_costs_no_call():
    pytest.importorskip("redis")
    store = token_store(f"redis://{'a' * 70}.example/0")
    assert client_of(store, Service()).get() == "stable"


def test_unreachable_redis_costs_no_call_and_shows_no_password(caplog):
    pytest.importorskip("redis")
    store = token_store("redis://:password123@127.0.0.1:1/0")
    assert client_of(store, Service()).get() == "stable"
    assert "password123" not in caplog.text + repr(store)
    assert "Redis: ConnectionError" in caplog.text


@pytest.mark.parametrize(
    "given",
    [
        *("redis://:geheim@h/0?nosuch=1", "redis://:geheim@h/0?protocol=9", "redis://:geheim@h:x"),
        *("", "file:", "http://x", "redis://[", "plain", 5, object()),
    ],
)
def test_other_store_is_refused(given):
    if str(given).startswith("redis"):
        pytest.importorskip("redis")
    with pytest.raises(ConfigError, match="token_store") as refused:
        token_store(given)
    assert "geheim" not in str(refused.value)


def test_wechatpy_and_the_facade_use_one_token():
    wechatpy = pytest.importorskip("wechatpy.client")
    from wechatpy.session.memorystorage import MemoryStorage  # noqa: PLC0415

    sessions, service = MemoryStorage(), Service()
    key = Key("https://api.weixin.qq.com", "wx9")
    assert client_of(SessionStore(sessions), service, key).get() == "token-1"
    other = wechatpy.WeChatClient("wx9", "secret", session=sessions)
    assert other.access_token == "token-1"
    sessions.set("wx9_access_token", "of wechatpy")
    assert client_of(SessionStore(sessions), service, key).get() == "of wechatpy"
    sessions.set("wx9_access_token_times", ["wechatpy", "soon", None])
    assert client_of(SessionStore(sessions), service, key).get() == "of wechatpy"


def test_variable_selects_a_store(tmp_path, monkeypatch):
    emulator = Emulator()
    with Server(create_app(emulator), listen("127.0.0.1", 0)) as server:
        monkeypatch.setenv("CLOUD_OPENAPI_TOKEN_STORE", f"file:{tmp_path}/tokens")
        (tmp_path / "config.json").write_text(
            json.dumps({"permissions": {"openapi": ["analysis.getDailyRetain"]}})
        )
        for _ in range(3):
            cloud = Cloud()
            cloud.init(
                base_url=server.url,
                appid=DEMO_APPID,
                secret=DEMO_SECRET,
                token_api="token",
                config=tmp_path / "config.json",
            )
            day = {"beginDate": "20170313", "endDate": "20170313"}
            assert cloud.openapi.analysis.getDailyRetain(day)["refDate"] == "20170313"
    paths = [entry.path for entry in emulator.journal]
    assert paths.count("/cgi-bin/token") == 1
    text = "".join(file.read_text() for file in (tmp_path / "tokens").iterdir())
    assert DEMO_SECRET not in text
