"""The names of answers' fields and groups, and the meaning of key, in English and in Chinese."""

from collections.abc import Mapping
from typing import Final

from cloud_openapi.catalogue import Operation
from cloud_openapi.charts import Translate
from cloud_openapi.json_schema.fields import resolved
from cloud_openapi.periods import Span

# WeChat's name, English, Chinese.
METRICS: Final = {
    "visit_uv": ("Users", "访问人数"),
    "visit_uv_new": ("New users", "新用户数"),
    "session_cnt": ("Times opened", "打开次数"),
    "visit_pv": ("Page views", "访问次数"),
    "stay_time_uv": ("Mean stay of a user, s", "人均停留时长（秒）"),
    "stay_time_session": ("Mean stay of a session, s", "次均停留时长（秒）"),
    "visit_depth": ("Mean depth", "平均访问深度"),
    "visit_total": ("Users so far", "累计用户数"),
    "share_pv": ("Times shared", "转发次数"),
    "share_uv": ("Users who shared", "转发人数"),
}
PAGE_FIELDS: Final = {
    "page_visit_pv": ("Views", "访问次数"),
    "page_visit_uv": ("Users", "访问人数"),
    "page_staytime_pv": ("Mean stay of a view, s", "次均停留时长（秒）"),
    "entrypage_pv": ("First page", "进入页次数"),
    "exitpage_pv": ("Last page", "退出页次数"),
    "page_share_pv": ("Times shared", "转发次数"),
    "page_share_uv": ("Users who shared", "转发人数"),
}
INDEXES: Final = {
    "access_source_session_cnt": ("Sessions by source", "访问来源（打开次数）", "access_source"),
    "access_source_visit_uv": ("Users by source", "访问来源（访问人数）", "access_source"),
    "access_staytime_info": ("Sessions by stay", "访问时长", "staytime"),
    "access_depth_info": ("Sessions by depth", "访问深度", "depth"),
}
PORTRAITS: Final = {
    "province": ("Provinces", "省份"),
    "city": ("Cities", "城市"),
    "genders": ("Genders", "性别"),
    "platforms": ("Platforms", "终端类型"),
    "devices": ("Devices", "机型"),
    "ages": ("Ages", "年龄"),
}

_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "page_path": ("Page", "页面"),
    **METRICS,
    **PAGE_FIELDS,
    **PORTRAITS,
}
_REPORTS: Final = {
    "retention": ("Retention", "留存"),
    "trend": ("Visits", "访问趋势"),
    "summary": ("Summary", "概况"),
    "distribution": ("Distribution of visits", "访问分布"),
    "pages": ("Pages", "访问页面"),
    "portrait": ("Portrait of users", "用户画像"),
    "performance": ("Performance", "性能"),
}
# The row's period, the unit of key, the period at key 0, the later period.
_CHINESE: Final[Mapping[Span, tuple[str, str, str, str]]] = {
    "day": ("日期", "天", "当天", "那一天"),
    "week": ("那一周", "周", "当周", "那一周"),
    "month": ("那个月", "个月", "当月", "那个月"),
}


def key_meaning(span: Span, users: str, t: Translate) -> str:
    """Return what key means in the retention of days, weeks or months of new or active users."""
    row, unit, first, later = _CHINESE[span]
    who = t("new", "新") if users == "new" else t("active", "活跃")
    return t(
        f"key is the number of {span}s after the {span} of the row. key 0 has all {who} users of "
        f"that {span}, key 1 those of them who visited one {span} later. A value comes once that "
        f"later {span} is over and its data are ready.",
        f"key 表示所在行{row}之后的第几{unit}：key 0 是{first}的全部{who}用户，"
        f"key 1 是其中 1 {unit}后再次访问的人数。对应的{later}结束且数据就绪后才有值。",
    )


def report_name(name: str, t: Translate) -> str:
    """Return the name of a report as a title."""
    return t(*_REPORTS.get(name, (name.capitalize(), name)))


def field_name(name: str, operation: Operation, t: Translate) -> str:
    """Return the name of a field: ours, else the schema's description, else WeChat's name."""
    if name in _NAMES:
        return t(*_NAMES[name])
    schema = operation.schema("https", "response")
    for holder in (schema, *schema.get("$defs", {}).values()):
        field = resolved(holder.get("properties", {}).get(name, {}), schema)
        if "description" in field:
            return str(field["description"])
    return name


def key_names(operation: Operation) -> dict[str, dict[int, str]]:
    """Return WeChat's names of the keys of a distribution, by the table of an index."""
    definitions = operation.schema("https", "response").get("$defs", {})
    found = {}
    for table in operation.tables:
        definition = definitions.get(table, {})
        known = definition.get("anyOf") or definition.get("oneOf") or ()
        found[table] = {each["const"]: each["title"] for each in known if "const" in each}
    return found
