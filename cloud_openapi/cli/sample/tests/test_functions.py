import pytest

DAY = {"beginDate": "20170313", "endDate": "20170313"}
WEEK = {"beginDate": "20170306", "endDate": "20170312"}


@pytest.mark.parametrize(
    ("function", "event", "period"),
    [("getDailyRetain", DAY, "20170313"), ("getWeeklyRetain", WEEK, "20170306-20170312")],
)
def test_a_function_returns_the_retention(
    invoke_function, assert_contract, function, event, period
):
    result = invoke_function(function, event)
    assert result["refDate"] == period
    assert_contract(result, f"analysis.{function}", "cloud", "response")


@pytest.mark.cloud_openapi(faults=[{"kind": "error", "errcode": 45009}])
def test_the_quota_is_an_error_that_the_function_returns(invoke_function):
    assert invoke_function("getDailyRetain", DAY)["errCode"] == 45009
