"""Names, paths and dates that many tests use."""

from datetime import datetime

from cloud_openapi.periods import BEIJING

API = "analysis.getDailyRetain"
DAILY = "/datacube/getweanalysisappiddailyretaininfo"
WEEKLY = "/datacube/getweanalysisappidweeklyretaininfo"
STABLE = "/cgi-bin/stable_token"
TOKEN = "/cgi-bin/token"
QUOTA = "/cgi-bin/openapi/quota/get"
OTHER = "wxother"
NOW = datetime(2026, 3, 11, 12, tzinfo=BEIJING)
"""A Wednesday."""
DAY = {"begin_date": "20260310", "end_date": "20260310"}
CLOUD_DAY = {"beginDate": "20170313", "endDate": "20170313"}
"""The day of WeChat's documented example, in the cloud-call form."""
