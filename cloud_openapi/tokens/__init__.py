"""The access token: fetched once for all threads, kept until shortly before it expires."""

from cloud_openapi.tokens._keeper import AccessToken, Granted, TokenDeniedError

__all__ = ["AccessToken", "Granted", "TokenDeniedError"]
