"""The newest complete day, week and month, as a function asks for them."""

from datetime import datetime, timezone

import pytest

from cloud_openapi import ConfigError, newest_dates
from cloud_openapi.periods import BEIJING


@pytest.mark.parametrize(
    ("now", "day", "week", "month"),
    [
        ("2026-03-11T12:00", "20260310", "20260302-20260308", "20260201-20260228"),
        ("2026-01-01T00:00", "20251231", "20251222-20251228", "20251201-20251231"),
        ("2024-03-01T00:00", "20240229", "20240219-20240225", "20240201-20240229"),
        ("2024-02-29T23:59", "20240228", "20240219-20240225", "20240101-20240131"),
        ("2026-03-09T00:00", "20260308", "20260302-20260308", "20260201-20260228"),
        ("2026-03-08T23:59", "20260307", "20260223-20260301", "20260201-20260228"),
    ],
)
def test_the_newest_period_is_the_last_that_is_over_in_beijing(now, day, week, month):
    moment = datetime.fromisoformat(now).replace(tzinfo=BEIJING)
    # Whoever asks, wherever, it is Beijing's day that counts.
    for asked in (moment, moment.astimezone(timezone.utc)):
        assert newest_dates("day", asked) == {"beginDate": day, "endDate": day}
        for span, dates in (("week", week), ("month", month)):
            begin, end = dates.split("-")
            assert newest_dates(span, asked) == {"beginDate": begin, "endDate": end}


def test_the_variable_of_the_emulator_counts(monkeypatch):
    monkeypatch.setenv("CLOUD_OPENAPI_NOW", "2017-03-13T16:00:00Z")
    assert newest_dates("day")["beginDate"] == "20170313"


def test_what_is_no_span_and_no_time_is_refused_by_name(monkeypatch):
    with pytest.raises(ValueError, match="'year'"):
        newest_dates("year")
    monkeypatch.setenv("CLOUD_OPENAPI_NOW", "soon")
    with pytest.raises(ConfigError, match="CLOUD_OPENAPI_NOW is not a time"):
        newest_dates("day")
