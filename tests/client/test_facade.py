"""cloud.openapi, as a function uses it: the exact cloud-call form, and its errors."""

import json
from datetime import datetime, timedelta

import pytest
from jsonschema import Draft202012Validator
from support.paths import ROOT, SAMPLES, sample
from support.values import CLOUD_DAY as DAY

from cloud_openapi import Cloud, CloudOpenAPIError, CloudSDKError, ConfigError, UnknownAPIError
from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import create_app
from cloud_openapi.periods import BEIJING
from cloud_openapi.transports.cloudrun import CloudRunTransport
from cloud_openapi.transports.https import HTTPSTransport
from cloud_openapi.transports.wsgi import WSGIExchange

APIS = [
    name.rpartition(".")[2]
    for name, outline in default_catalogue().outlines.items()
    if outline.simulated
]
"""The APIs whose pages' examples are among the samples."""
RESPONSES = sorted(path.name for path in SAMPLES.glob("get*.response.*https.json")) + sorted(
    path.name for path in SAMPLES.glob("get*.response.recorded*.json")
)
ENVELOPE = ("errcode", "errmsg")
ERRORS = sorted(path.name for path in SAMPLES.glob("error.*.json"))


def documented(api, side, form):
    """Return WeChat's example; an old page still has it where the current one lost it."""
    for origin in (f"official-{form}", f"old-doc-{form}"):
        if (SAMPLES / f"{api}.{side}.{origin}.json").exists():
            body = sample(f"{api}.{side}.{origin}.json")
    # Of all the examples this page alone has it, and the SDK adds it to every answer.
    body.pop("errCode", None)
    return body


def the_day_after(emulator, params):
    """Let the emulator's time stand still on the day after the dates of a request."""
    if "endDate" not in params:
        return
    end = datetime.strptime(params["endDate"], "%Y%m%d").replace(tzinfo=BEIJING)
    emulator.clock.freeze(end + timedelta(days=1, hours=12))


@pytest.mark.parametrize("api", APIS)
def test_the_documented_request_gets_the_documented_result(cloud, emulator, api):
    params, expected = documented(api, "request", "cloud"), documented(api, "response", "cloud")
    the_day_after(emulator, params)
    method = getattr(cloud.openapi.analysis, api)
    assert method(params) == expected
    assert method(**params) == expected
    assert cloud.openapi[f"analysis.{api}"](params) == expected


@pytest.mark.parametrize("api", APIS)
def test_without_conversion_names_stay_as_weixin_spells_them(cloud, emulator, api):
    the_day_after(emulator, documented(api, "request", "cloud"))
    params = sample(f"{api}.request.official-https.json")
    expected = sample(f"{api}.response.official-https.json")
    expected = {name: value for name, value in expected.items() if name not in ENVELOPE}
    expected["errMsg"] = f"openapi.analysis.{api}:ok"
    for openapi in (cloud.openapi(convertCase=False), cloud.openapi({"convertCase": False})):
        assert openapi[f"analysis.{api}"](params) == expected


def test_the_parameters_of_the_caller_are_not_changed(cloud):
    params = dict(DAY)
    cloud.openapi.analysis.getDailyRetain(params)
    assert params == DAY


def served(httpserver, body, **settings):
    """Return a facade whose service answers with this body."""
    httpserver.expect_request("/cgi-bin/stable_token").respond_with_json(
        {"access_token": "T" * 136, "expires_in": 7200}
    )
    httpserver.expect_request("/datacube/getweanalysisappiddailyretaininfo").respond_with_data(
        json.dumps(body), content_type="text/plain"
    )
    facade = Cloud()
    facade.init(
        base_url=httpserver.url_for("").rstrip("/"), config=ROOT / "config.json", **settings
    )
    return facade


@pytest.mark.parametrize("name", RESPONSES)
def test_each_recorded_answer_comes_out_in_the_cloud_form(httpserver, name):
    api = name.partition(".")[0]
    operation = default_catalogue()[f"analysis.{api}"]
    httpserver.expect_request(operation.path).respond_with_json(sample(name))
    facade = served(httpserver, {})
    result = facade.openapi[operation.name](documented(api, "request", "cloud"))
    Draft202012Validator(operation.schema("cloud", "response")).validate(result)
    assert result.pop("errMsg") == f"openapi.{operation.name}:ok"
    body = {key: value for key, value in sample(name).items() if key not in ENVELOPE}
    assert sorted(map(repr, leaves(result))) == sorted(map(repr, leaves(body)))


def leaves(value):
    """Return the values of a body that are neither objects nor arrays."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return [leaf for member in inner for leaf in leaves(member)]
    return [value]


@pytest.mark.parametrize("name", ERRORS)
def test_each_recorded_error_comes_out_as_the_sdk_raises_it(httpserver, name):
    body = sample(name)
    facade = served(httpserver, body)
    with pytest.raises(CloudSDKError) as caught:
        facade.openapi.analysis.getDailyRetain(DAY)
    error = caught.value
    assert error.to_dict() == {
        "errCode": body["errcode"],
        "errMsg": f"openapi.analysis.getDailyRetain:fail {body['errmsg']}",
    }
    assert str(error).startswith(f"errCode: {body['errcode']} ")


def test_the_message_of_an_error_is_the_sdks_with_advice_below(cloud):
    with pytest.raises(CloudSDKError) as caught:
        cloud.openapi.analysis.getDailyRetain(beginDate="20170313", endDate="20170314")
    error = caught.value
    assert error.errCode == 61501
    first, advice = str(error).splitlines()
    # Two blanks: the SDK has no text of its own for WeChat's codes.
    assert first == f"errCode: 61501  | errMsg: {error.errMsg}"
    assert error.errMsg.startswith("openapi.analysis.getDailyRetain:fail date range error rid: ")
    assert "beginDate and endDate are one and the same day" in advice


@pytest.mark.parametrize("body", [{"errcode": 0, "errmsg": "ok", "a_b": 1}, {"a_b": 1}])
def test_a_success_has_no_errcode_and_no_errmsg(httpserver, body):
    facade = served(httpserver, body)
    assert facade.openapi.analysis.getDailyRetain(DAY) == {
        "aB": 1,
        "errMsg": "openapi.analysis.getDailyRetain:ok",
    }


def test_a_big_number_stays_an_integer(httpserver):
    facade = served(httpserver, {"msg_id": 1234567890123456789})
    assert facade.openapi.analysis.getDailyRetain(DAY)["msgId"] == 1234567890123456789


def test_permission_is_refused_before_anything_is_sent_or_looked_at(httpserver, tmp_path):
    httpserver.expect_request("/cgi-bin/stable_token").respond_with_json({})
    facade = Cloud()
    facade.init(base_url=httpserver.url_for(""), config=tmp_path / "config.json")
    for params in ({}, {"beginDate": object()}):
        with pytest.raises(CloudSDKError) as caught:
            facade.openapi.analysis.getDailyRetain(params)
        assert caught.value.to_dict() == {
            "errCode": -604101,
            "errMsg": "system error: error code: -604101",
        }
        assert '"analysis.getDailyRetain"' in caught.value.hint
        assert str(tmp_path / "config.json") in caught.value.hint
    assert httpserver.log == []


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("analysis.getDailyRetian", 'Did you mean "analysis.getDailyRetain"?'),
        ("analysis.getdailyretain", 'Did you mean "analysis.getDailyRetain"?'),
        ("nothing.like.it", "cloud-openapi apis lists them"),
    ],
)
def test_an_unknown_api_is_an_error_and_never_a_request(cloud, emulator, path, hint):
    def call():
        found = cloud.openapi
        for name in path.split("."):
            found = getattr(found, name)
        return found(DAY)

    with pytest.raises(UnknownAPIError) as caught:
        call()
    assert caught.value.to_dict() == {
        "errCode": -604100,
        "errMsg": "system error: error code: -604100",
    }
    assert str(caught.value).startswith("errCode: -604100 API not found | errMsg: system error")
    assert hint in caught.value.hint
    assert isinstance(caught.value, AttributeError)
    assert len(emulator.journal) == 0


@pytest.mark.parametrize("kind", ["https", "cloudrun"])
def test_over_https_a_documented_call_without_an_entry_says_what_can_be_done(
    emulator, tmp_path, kind
):
    exchange = WSGIExchange(create_app(emulator))
    transport = {
        "https": lambda: HTTPSTransport(exchange, DEMO_APPID, DEMO_SECRET),
        "cloudrun": lambda: CloudRunTransport(exchange),
    }[kind]()
    config = tmp_path / "config.json"
    config.write_text('{"permissions": {"openapi": ["officialAccount.semantic.search"]}}')
    facade = Cloud()
    facade.init(transport=transport, config=config)
    with pytest.raises(UnknownAPIError) as caught:
        facade.openapi.officialAccount.semantic.search(query="a")
    assert caught.value.hint == (
        'WeChat documents "officialAccount.semantic.search", but the catalogue has no entry for '
        "it, so only the gateway can carry it, by its name. Functions use the gateway on the "
        "platform and in the emulator, where a pin answers: "
        "cloud-openapi control pins add officialAccount.semantic.search --response '{}'"
    )
    assert caught.value.to_dict()["errCode"] == -604100
    with pytest.raises(CloudSDKError) as denied:
        facade.openapi.officialAccount.shorturl()
    assert denied.value.errCode == -604101
    assert len(emulator.journal) == 0


def test_a_namespace_is_no_api(cloud):
    with pytest.raises(UnknownAPIError):
        cloud.openapi.analysis(DAY)


def test_editors_and_help_see_the_apis(cloud):
    namespaces = {name.partition(".")[0] for name in default_catalogue()}
    assert dir(cloud.openapi) == sorted(namespaces)
    assert set(dir(cloud.openapi.analysis)) == set(APIS)
    assert not hasattr(cloud.openapi, "__wrapped__")
    documentation = cloud.openapi.analysis.getWeeklyRetain.__doc__
    assert "beginDate: string. A Monday" in documentation
    assert "Permission: analysis.getWeeklyRetain" in documentation
    raw = cloud.openapi(convertCase=False).analysis.getWeeklyRetain.__doc__
    assert "begin_date: string. A Monday" in raw


def test_a_call_before_init_raises_what_the_sdk_raises():
    with pytest.raises(CloudSDKError) as caught:
        Cloud().openapi.analysis.getDailyRetain(DAY)
    assert caught.value.to_dict() == {
        "errCode": -1,
        "errMsg": "Cloud API isn't enabled, please call init first\n"
        "请先调用 init 完成初始化后再调用其他云 API。"
        "init 方法可传入一个对象用于设置默认配置，详见文档。",
    }
    assert str(caught.value).startswith("errCode: -1 unknown error | errMsg: Cloud API isn't")


@pytest.mark.parametrize("params", ["x", ["x"], 5])
def test_parameters_that_are_no_object_are_a_type_error(cloud, params):
    with pytest.raises(TypeError, match="takes an object of parameters"):
        cloud.openapi.analysis.getDailyRetain(params)


@pytest.mark.parametrize(
    "value", [object(), float("nan"), {1, 2}, "\ud800"], ids=["object", "nan", "set", "surrogate"]
)
def test_a_parameter_that_is_no_json_is_a_type_error_that_names_the_api(cloud, value):
    with pytest.raises(TypeError, match=r"analysis.getDailyRetain: the parameters cannot"):
        cloud.openapi.analysis.getDailyRetain(beginDate=value, endDate=value)


def test_object_and_keywords_together_are_a_type_error(cloud):
    with pytest.raises(TypeError, match="not both"):
        cloud.openapi.analysis.getDailyRetain(DAY, endDate="20170313")


@pytest.mark.parametrize("options", [None, "x", []])
def test_options_that_are_no_object_are_refused_as_by_the_sdk(cloud, options):
    if options is None:
        assert cloud.openapi().analysis.getDailyRetain(DAY)
        return
    with pytest.raises(TypeError, match="an options object is expected"):
        cloud.openapi(options)


def test_an_option_that_would_be_ignored_is_refused(cloud):
    with pytest.raises(TypeError, match="'appid'"):
        cloud.openapi(appid="wx0123456789abcdef")


class TestSettings:
    """Whom a call reaches, and in whose name."""

    def init(self, monkeypatch, variables, **settings):
        for name, value in variables.items():
            monkeypatch.setenv(f"CLOUD_OPENAPI_{name}", value)
        facade = Cloud()
        facade.init(config=ROOT / "config.json", **settings)
        return facade

    def test_without_credentials_nothing_is_called(self, monkeypatch):
        facade = self.init(monkeypatch, {})
        with pytest.raises(CloudSDKError, match=r"no credentials") as caught:
            facade.openapi.analysis.getDailyRetain(DAY)
        assert caught.value.errCode == -1
        assert "CLOUD_OPENAPI_BASE_URL" in caught.value.hint

    def test_a_loopback_address_alone_is_the_demo_mini_program(self, monkeypatch):
        for url in ("http://127.0.0.1:7070", "http://localhost:7070", "http://[::1]:7070/"):
            assert DEMO_APPID in repr(self.init(monkeypatch, {"BASE_URL": url}))

    def test_credentials_alone_are_the_real_service(self, monkeypatch):
        facade = self.init(monkeypatch, {"APPID": "wx0123456789abcdef", "SECRET": "s3cr3t"})
        assert "https://api.weixin.qq.com" in repr(facade)
        assert "s3cr3t" not in repr(facade)

    def test_an_option_wins_over_its_variable(self, monkeypatch):
        facade = self.init(
            monkeypatch, {"BASE_URL": "http://127.0.0.1:1"}, base_url="http://127.0.0.1:2"
        )
        assert "127.0.0.1:2" in repr(facade)

    @pytest.mark.parametrize(
        ("variables", "message"),
        [
            ({"APPID": "wx1"}, "the secret (CLOUD_OPENAPI_SECRET) is missing"),
            ({"SECRET": "s"}, "the appid (CLOUD_OPENAPI_APPID) is missing"),
            ({"BASE_URL": "https://example.com"}, "needs an appid and a secret"),
            ({"APPID": DEMO_APPID, "SECRET": "s"}, "is sent to a loopback address only"),
            (
                {"APPID": DEMO_APPID, "SECRET": "s", "BASE_URL": "http://127.0.0.1.example.com"},
                "is sent to a loopback address only",
            ),
            (
                {"APPID": DEMO_APPID, "SECRET": "s", "BASE_URL": "http://localhost.example.com"},
                "is sent to a loopback address only",
            ),
            ({"BASE_URL": "127.0.0.1:7070"}, "is not a base URL"),
            ({"BASE_URL": "ftp://127.0.0.1"}, "is not a base URL"),
            ({"BASE_URL": "http://127.0.0.1:99999"}, "is not a base URL"),
            ({"BASE_URL": "http://127.0.0.1:abc"}, "is not a base URL"),
            ({"BASE_URL": "http://[::1"}, "is not a base URL"),
            ({"BASE_URL": "http://127.0.0.1:7070/#x"}, "is not a base URL"),
            ({"BASE_URL": "http://u:geheim@127.0.0.1/?key=geheim"}, "is not a base URL"),
            ({"BASE_URL": "u:geheim@127.0.0.1:7070"}, "is not a base URL"),
            ({"BASE_URL": "http://127.0.0.1:7070@example.com"}, "must not hold a user name"),
            ({"TOKEN_API": "x", "BASE_URL": "http://127.0.0.1"}, "is stable_token or token"),
            ({"TIMEOUT": "soon", "BASE_URL": "http://127.0.0.1"}, "number of seconds"),
            ({"TIMEOUT": "-1", "BASE_URL": "http://127.0.0.1"}, "number of seconds"),
            ({"TIMEOUT": "nan", "BASE_URL": "http://127.0.0.1"}, "number of seconds"),
        ],
    )
    def test_settings_that_cannot_be_meant_are_refused(self, monkeypatch, variables, message):
        with pytest.raises(ConfigError) as caught:
            self.init(monkeypatch, variables)
        assert message in str(caught.value)
        assert "geheim" not in str(caught.value)
        assert isinstance(caught.value, CloudOpenAPIError)

    def test_the_configuration_of_the_variable_counts(self, monkeypatch, tmp_path):
        (tmp_path / "other.json").write_text('{"permissions": {"openapi": []}}', "utf-8")
        monkeypatch.setenv("CLOUD_OPENAPI_CONFIG", str(tmp_path / "other.json"))
        facade = Cloud()
        facade.init(base_url="http://127.0.0.1:1")
        with pytest.raises(CloudSDKError, match=r"-604101"):
            facade.openapi.analysis.getDailyRetain(DAY)

    def test_a_secret_that_would_travel_unencrypted_is_warned_of(self, monkeypatch):
        with pytest.warns(UserWarning, match="unencrypted"):
            self.init(
                monkeypatch, {"APPID": "wx1", "SECRET": "s", "BASE_URL": "http://example.com"}
            )

    def test_two_functions_in_one_process_have_an_allowlist_each(self, cloud, tmp_path):
        source = "cloud.init(transport=transport)\ndef main(a): return a(cloud)(**day)"
        modules = {}
        for name, allowed in (("daily", ["analysis.getDailyRetain"]), ("none", [])):
            folder = tmp_path / "functions" / name
            folder.mkdir(parents=True)
            config = json.dumps({"permissions": {"openapi": allowed}})
            (folder / "config.json").write_text(config, "utf-8")
            module = {"__file__": str(folder / "index.py"), "transport": cloud._transport}
            modules[name] = module
        shared = Cloud()
        for module in modules.values():
            module.update(cloud=shared, day=DAY)
            exec(compile(source, module["__file__"], "exec"), module)
        api = lambda facade: facade.openapi.analysis.getDailyRetain  # noqa: E731
        for _ in range(2):
            assert modules["daily"]["main"](api)["refDate"] == "20170313"
            with pytest.raises(CloudSDKError) as caught:
                modules["none"]["main"](api)
            assert str(tmp_path / "functions" / "none" / "config.json") in caught.value.hint

    def test_a_functions_own_config_json_counts_for_it(self, monkeypatch, tmp_path):
        monkeypatch.chdir(ROOT)
        folder = tmp_path / "functions" / "report"
        folder.mkdir(parents=True)
        source = """
facade.init(base_url='http://127.0.0.1:1')
def main():
    return facade.openapi.analysis.getDailyRetain({})
"""
        module = {"facade": Cloud(), "__file__": str(folder / "index.py")}
        exec(compile(source, module["__file__"], "exec"), module)
        with pytest.raises(CloudSDKError, match=r"-604101") as caught:
            module["main"]()
        assert str(folder / "config.json") in caught.value.hint


def test_an_answer_that_is_nested_too_deep_is_no_answer(httpserver):
    body = {"a": 1}
    for _ in range(400):
        body = {"a": [body]}
    with pytest.raises(CloudSDKError) as caught:
        served(httpserver, body).openapi.analysis.getDailyRetain(DAY)
    assert caught.value.errCode == -601001
