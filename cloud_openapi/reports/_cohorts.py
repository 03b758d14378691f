"""Cohorts of the answers of retention."""

from collections.abc import Sequence
from datetime import date

from cloud_openapi.charts import Cohort, Translate, label, range_label, short_label
from cloud_openapi.periods import Period
from cloud_openapi.reports._answers import Answer, retained


def cohort(answer: Answer, field: str, keys: Sequence[int], today: date, t: Translate) -> Cohort:
    """Return the users of a window by key.

    ``field`` is WeChat's name of the list: ``visit_uv_new`` or ``visit_uv``. ``today`` tells the
    keys whose period is not over from those that the answer lacks.
    """
    period, values = answer.period, retained(answer.body, field)
    missing = {
        key: _why_missing(period.after(key), key, today, answer.asked, t)
        for key in keys
        if key not in values and not answer.problem
    }
    name, short = label(period, t), short_label(period)
    still = frozenset(key for key in missing if period.after(key).end >= today)
    return Cohort(period.ref, name, values, missing, answer.problem, short, still)


def _why_missing(later: Period, key: int, today: date, asked: date | None, t: Translate) -> str:
    if later.end >= today:
        name = label(later, t)
        return t(f"not over: {name} ends on {later.end}", f"尚未结束：{name}（至 {later.end}）")
    if asked is not None and later.end >= asked:
        return t(
            f"last asked for on {asked}, before it was over: cloud-openapi history sync",
            f"最近一次获取是在 {asked}，当时尚未结束：请运行 cloud-openapi history sync",
        )
    return t(f"the answer has no key {key}", f"返回中没有 key {key}")


def retention_caption(users: str, first: Period, last: Period, t: Translate) -> str:
    """Return the heading of a table of the ``new`` or the ``active`` users of some periods."""
    which = t("New users", "新用户") if users == "new" else t("Active users", "活跃用户")
    between = range_label(first, last, t)
    return t(f"{which} that came back, {between}", f"{which}留存，{between}")


def retention_header(keys: Sequence[int]) -> list[str]:
    """Return the columns of a table of retention as CSV."""
    shares = [f"percent_{key}" for key in keys if key]
    return ["ref_date", "users", *(f"key_{key}" for key in keys), *shares]


def retention_row(one: Cohort, field: str, keys: Sequence[int]) -> list[object]:
    """Return a cohort as a row of CSV; what has no value is empty."""
    percents = (one.percent(key) for key in keys if key)
    return [
        one.ref,
        field,
        *(one.values.get(key, "") for key in keys),
        *("" if percent is None else round(percent, 4) for percent in percents),
    ]
