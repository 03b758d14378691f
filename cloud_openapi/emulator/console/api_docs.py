"""Rules, errors, conditions and examples on the page of an API."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from cloud_openapi.catalogue import DateRange, DateWindow, Operation, Rule, TimeRange
from cloud_openapi.catalogue.documentation import LACKS_IN_CHINESE, Row
from cloud_openapi.emulator.console.texts import t
from cloud_openapi.emulator.errors import TEXTS
from cloud_openapi.errors import SDK_TEXTS
from cloud_openapi.json_schema.strict import is_open_list
from cloud_openapi.json_schema.values import to_cloud
from cloud_openapi.json_text import json_text
from cloud_openapi.naming import camel_to_snake, snake_to_camel, to_camel_case
from cloud_openapi.wire import https_form

_SPANS_IN_CHINESE: Final = {
    "day": "{begin} 与 {end} 是同一天，最晚为昨天",
    "week": "{begin} 是星期一，{end} 是该周的星期日，最晚为上周",
    "month": "{begin} 与 {end} 是同一个月的第一天和最后一天，最晚为上月",
}
_STATES: Final = {
    "simulated": (
        "the emulator computes the answer for any request",
        "对任何请求，模拟器都计算出响应",
    ),
    "example": (
        "the emulator answers as the documented example does",
        "模拟器按文档的示例响应",
    ),
    "name": ("only the name is known: pin an answer", "只知道名称：请固定一个响应"),
}
_DATES: Final = (61500, 61501, 61503, 61504)
# When a call gets a code that is not the API's own.
_WHEN: Final = {
    -1: ("WeChat is busy: call again later", "系统繁忙：请稍后重试"),
    40001: ("the access token is not valid, or not any more", "access_token 无效，或已被新的取代"),
    41001: ("the URL has no access_token", "URL 中没有 access_token"),
    41005: ("a file is missing from the form", "表单中缺少文件"),
    42001: ("the access token has expired", "access_token 已过期"),
    43001: ("the method is not GET", "请求方法不是 GET"),
    43002: ("the method is not POST", "请求方法不是 POST"),
    44001: ("a file is empty", "文件为空"),
    44002: ("the body is empty", "请求体为空"),
    45002: ("the body is larger than 6 MB", "请求体大于 6 MB"),
    45009: ("the day's calls of this API are used up", "当天的调用次数已用完"),
    45011: ("the minute's calls of this API are used up", "本分钟的调用次数已用完"),
    47001: (
        "the body is not a JSON object, or a parameter is missing or has a wrong type",
        "请求体不是 JSON 对象，或者参数缺失、类型错误",
    ),
    48001: ("the mini program has not been granted this API", "小程序没有该接口的权限"),
    61500: ("a date is missing or not written yyyymmdd", "日期缺失，或格式不是 yyyymmdd"),
    61501: ("the dates are not a period that the API accepts", "日期不是接口接受的时间范围"),
    61503: ("the data of the period are not ready yet", "该时间范围的数据尚未就绪"),
    61504: ("WeChat is busy: call again later", "系统繁忙：请稍后重试"),
    -604101: (
        "cloud call: config.json of the function does not list the API",
        "云调用：云函数的 config.json 未列出该接口",
    ),
    -604104: (
        "cloud call: made outside of an invocation of the function",
        "云调用：不是在云函数执行期间发起",
    ),
}
_TOKEN: Final = "access_token=ACCESS_TOKEN"  # noqa: S105 - WeChat's placeholder


class Error(NamedTuple):
    """An error code: WeChat's text, and when it comes."""

    code: int
    text: str
    when: str


class Condition(NamedTuple):
    """An answer that an entry writes down; ``code`` is 0 for a success."""

    code: int
    words: str
    when: Mapping[str, Any] | None
    """A JSON Schema of the request, None for any other request."""
    response: Any


class Example(NamedTuple):
    """A documented example in both forms, as texts; an empty answer is a file."""

    made: bool
    https_request: str
    https_response: str
    cloud_request: str
    cloud_response: str


def state_in_words(state: str) -> str:
    """Return how the emulator answers an API of a state."""
    return t(*_STATES[state])


def lacks_in_words(operation: Operation) -> str:
    """Return what WeChat's page of an API lacks, empty if it lacks nothing."""
    chinese = "、".join(LACKS_IN_CHINESE[each] for each in operation.lacks)
    return t(", ".join(operation.lacks), chinese)


def keeps_names(operation: Operation) -> bool:
    """Return whether a name is not the SDK's, so that a cloud call needs ``convertCase: false``."""
    names = operation.schema("https", "request")["properties"]
    return any(camel_to_snake(snake_to_camel(name)) != name for name in names)


def rule_in_words(rule: Rule) -> str:
    """Return a rule about dates with the parameters' names of the HTTPS form."""
    return t(rule.describe(), f"{_in_chinese(rule)}（北京时间）。")


def _in_chinese(rule: Rule) -> str:
    begin, end = rule.begin, rule.end
    if isinstance(rule, DateRange):
        return _SPANS_IN_CHINESE[rule.span].format(begin=begin, end=end)
    if isinstance(rule, DateWindow):
        days = "、".join(map(str, rule.days))
        return f"{begin} 到 {end} 共 {days} 天，最多 {rule.most_age} 天前结束"
    assert isinstance(rule, TimeRange)  # noqa: S101 - there are three kinds
    return f"{end} 最多比 {begin} 晚 {rule.days} 天"


def limits_of(row: Row) -> str:
    """Return which values a field takes, empty if its type says all."""
    schema = row.items or row.schema
    values = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    known = schema["examples"] if is_open_list(schema) else []
    parts = [", ".join(map(json_text, values or known))]
    if known:
        parts[0] += t(", or others", "，或其他值")
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None:
        parts.append(f"≥ {least}")
    if most is not None:
        parts.append(f"≤ {most}")
    if "maxLength" in schema:
        longest = schema["maxLength"]
        parts.append(t(f"at most {longest} characters", f"最多 {longest} 个字符"))
    if "maxItems" in row.schema:
        items = row.schema["maxItems"]
        parts.append(t(f"at most {items} items", f"最多 {items} 项"))
    if "pattern" in schema:
        parts.append(schema["pattern"])
    return "; ".join(filter(None, parts))


def own_errors(operation: Operation) -> list[Error]:
    """Return the errors that are the API's own, each with its conditions."""
    when: dict[int, list[str]] = {}
    for answer in operation.answers:
        if "errcode" in answer:
            when.setdefault(answer["errcode"], []).append(answer["because"])
    codes = sorted(operation.errors.keys() | when.keys())
    texts = {**SDK_TEXTS, **TEXTS, **operation.errors}
    return [Error(code, texts.get(code, ""), "; ".join(when.get(code, ()))) for code in codes]


def common_errors(operation: Operation) -> list[Error]:
    """Return the errors that many APIs share, as far as this one can have them."""
    codes = [-1, 40001, 41001, 42001, 43001 if operation.method == "GET" else 43002]
    codes += [44002, 47001] if operation.method == "POST" else [47001]
    codes += [41005, 44001, 45002] if operation.files else []
    codes += [45009, 45011, 48001]
    codes += _DATES if operation.rules else ()
    codes += [-604101, -604104]
    own = {error.code for error in own_errors(operation)}
    texts = {**SDK_TEXTS, **TEXTS}
    return [Error(code, texts[code], t(*_WHEN[code])) for code in codes if code not in own]


def conditions_of(operation: Operation) -> list[Condition]:
    """Return the answers that an entry writes down, in the order in which they are tried."""
    found = [
        Condition(
            code=answer.get("errcode", 0),
            words=answer.get("because", ""),
            when=answer.get("when"),
            response=answer.get("response"),
        )
        for answer in operation.answers
    ]
    return sorted(found, key=lambda each: not each.code)


def examples_of(operation: Operation) -> Iterator[Example]:
    """Yield the documented examples of an API."""
    for example in operation.examples:
        params, response = example["request"], example.get("response")
        https = "" if response is None else json_text(response, indent=2)
        cloud = "" if response is None else json_text(to_cloud(operation.name, response), indent=2)
        yield Example(
            made=example.get("made", False),
            https_request=_https(operation, params),
            https_response=https,
            cloud_request=_cloud(operation, params),
            cloud_response=cloud,
        )


def permission_of(name: str) -> str:
    """Return the config.json that permits one API."""
    return json.dumps({"permissions": {"openapi": [name]}})


def _https(operation: Operation, params: Mapping[str, Any]) -> str:
    """Return a request with WeChat's placeholder for the token; a file is shown by its name."""
    others = {name: value for name, value in params.items() if name not in operation.files}
    files = {name: params[name] for name in params if name in operation.files}
    in_url = operation.query if not files else tuple(others)
    if operation.takes_json:
        written = https_form.write_json(others)
    else:
        written = https_form.write(others, operation.method, in_url)
    query = f"{_TOKEN}&{written.query}" if written.query else _TOKEN
    lines = [f"{operation.method} {operation.path}?{query}"]
    lines += [f"{name}: @{_filename(file)}" for name, file in files.items()]
    if written.body:
        lines += ["", json_text(json.loads(written.body), indent=2)]
    return "\n".join(lines)


def _cloud(operation: Operation, params: Mapping[str, Any]) -> str:
    """Return a cloud call; a file is shown as the SDK takes it."""
    files = {
        name: {"contentType": "image/png", "value": f"Buffer of {_filename(params[name])}"}
        for name in params
        if name in operation.files
    }
    given = {**params, **files}
    if keeps_names(operation):
        return f"cloud.openapi({{ convertCase: false }}).{operation.name}({_json(given)})"
    return f"cloud.openapi.{operation.name}({_json(to_camel_case(given))})"


def _json(params: Mapping[str, Any]) -> str:
    return json_text(params, indent=2) if params else "{}"


def _filename(file: Any) -> str:
    return str(file.get("filename", "file")) if isinstance(file, dict) else "file"
