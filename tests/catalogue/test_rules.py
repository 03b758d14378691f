"""The periods that rules about dates offer."""

from datetime import date
from itertools import islice

import pytest

from cloud_openapi.catalogue import RuleViolation, default_catalogue

TODAYS = [date(2017, 3, 14), date(2024, 3, 1), date(2026, 1, 1), date(2026, 11, 2)]
DATED = sorted(name for name, api in default_catalogue().items() if api.rules)


@pytest.mark.parametrize("today", TODAYS, ids=str)
@pytest.mark.parametrize("api", DATED)
def test_offered_periods_keep_the_rule_and_are_the_newest(api, today):
    (rule,) = default_catalogue()[api].rules
    found = list(islice(rule.newest(today), 40))
    assert len(set(found)) == len(found) > 2
    assert found[0].end < today
    assert [each.end for each in found] == sorted((each.end for each in found), reverse=True)
    for period in found:
        params = rule.put({}, period)
        checked = rule.check(params, today)
        assert not isinstance(checked, RuleViolation), period
        assert checked.begin == period.begin


def test_newest_week_and_month():
    catalogue = default_catalogue()
    week = next(catalogue["analysis.getWeeklyRetain"].rules[0].newest(date(2017, 3, 14)))
    assert week.ref == "20170306-20170312"
    month = next(catalogue["analysis.getMonthlyRetain"].rules[0].newest(date(2017, 3, 14)))
    assert month.ref == "201702"


def test_period_is_put_beside_other_parameters():
    rule = default_catalogue()["analysis.getPerformanceData"].rules[0]
    period = next(rule.newest(date(2017, 3, 14)))
    given = {"module": "10012", "time": {"more": 1}}
    assert rule.put(given, period) == {
        "module": "10012",
        "time": {"more": 1, "begin_timestamp": 1489334400, "end_timestamp": 1489420800},
    }
    assert given == {"module": "10012", "time": {"more": 1}}
