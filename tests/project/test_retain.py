import pytest

from cloud_openapi import CloudSDKError, newest_dates


@pytest.mark.cloud_openapi(now="2026-03-11T10:00")
def test_the_function_answers_for_yesterday_and_keeps_the_contract(
    invoke_function, assert_contract
):
    result = invoke_function("getDailyRetain")
    assert result["refDate"] == "20260310"
    assert_contract(result, "analysis.getDailyRetain", "cloud", "response")


@pytest.mark.cloud_openapi(
    now="2026-03-11T10:00", faults=[{"kind": "error", "errcode": 61503, "times": 1}]
)
def test_a_caller_sees_a_fault_once(cloud):
    dates = newest_dates("day")
    with pytest.raises(CloudSDKError) as refused:
        cloud.openapi.analysis.getDailyRetain(dates)
    assert refused.value.errCode == 61503
    assert cloud.openapi.analysis.getDailyRetain(dates)["refDate"] == "20260310"


def test_what_was_recorded_is_answered(recording, cloud):
    answer = cloud.openapi.analysis.getDailyRetain(beginDate="20191024", endDate="20191024")
    assert answer["visitUv"] == [{"key": 0, "value": 25487}]
    assert recording.name == "test_what_was_recorded_is_answered.yaml"
