"""WeChat cloud calls for Python functions.

>>> from cloud_openapi import cloud
>>> cloud.init()
>>> cloud.openapi.analysis.getDailyRetain(
...     {"beginDate": "20170313", "endDate": "20170313"}
... )  # doctest: +SKIP
"""

from cloud_openapi._cloud import Cloud
from cloud_openapi._version import __version__
from cloud_openapi.errors import CloudOpenAPIError, CloudSDKError, ConfigError, UnknownAPIError
from cloud_openapi.periods import newest_dates

__all__ = [
    "Cloud",
    "CloudOpenAPIError",
    "CloudSDKError",
    "ConfigError",
    "UnknownAPIError",
    "__version__",
    "cloud",
    "newest_dates",
]

# The instance that functions import, as `require('wx-server-sdk')` gives in Node.js.
cloud = Cloud()
