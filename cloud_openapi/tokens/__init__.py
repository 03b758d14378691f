"""The access token: fetched once for all threads, kept until shortly before it expires."""

from cloud_openapi.tokens._granted import Granted
from cloud_openapi.tokens._keeper import AccessToken, TokenDeniedError

__all__ = ["AccessToken", "Granted", "TokenDeniedError"]
