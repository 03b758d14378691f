"""WeChat Cloud Run: HTTPS APIs from a container, without an AppSecret.

The side-car of the container fills in the token of a call over plain http (开放接口服务), or the
platform keeps a token in a file (微信令牌). See
https://developers.weixin.qq.com/miniprogram/dev/wxcloudrun/src/guide/weixin/open.html
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cloud_openapi.catalogue import Operation
from cloud_openapi.errors import CloudSDKError
from cloud_openapi.transports._base import Exchange, ExchangeError
from cloud_openapi.transports._body import answer_of, encode, masked, request_of

TOKEN_FILE = Path("/.tencentcloudbase/wx/cloudbase_access_token")


class CloudRunTransport:
    """Calls WeChat's HTTPS APIs without a token, or with the token in the platform's file.

    A changed file is read again. Safe to share between threads and with forked processes.
    """

    def __init__(self, exchange: Exchange, token_file: Path | None = None) -> None:
        self._exchange = exchange
        self._file = token_file
        self._read: tuple[tuple[int, int], str] | None = None

    def __repr__(self) -> str:
        return f"<CloudRunTransport by {self._exchange}, token file {self._file}>"

    def send(self, operation: Operation, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return WeChat's response, also for an error of WeChat's.

        Raises CloudSDKError without a response or without a token in the file, TypeError for
        parameters that JSON cannot write.
        """
        written = encode(operation, params)
        token = self._token(operation.name)
        given = {"cloudbase_access_token": token} if token else {}
        try:
            reply = self._exchange.send(*request_of(operation, written, **given))
            body = self._exchange.body_of(reply, operation.path)
            answer = answer_of(operation, reply, body, (token,))
        except ExchangeError as error:
            failure = error.failure(operation.name, (token,))
        else:
            return masked(answer, token) if answer.get("errcode") else answer
        # Raised outside of the except clause: its context would hold the URL.
        raise failure

    def _token(self, api: str) -> str:
        if self._file is None:
            return ""
        try:
            status = self._file.stat()
            state = (status.st_mtime_ns, status.st_size)
            if self._read is None or self._read[0] != state:
                self._read = (state, self._file.read_text("ascii").strip())
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise self._no_token(api, reason) from None
        if not self._read[1]:
            raise self._no_token(api, "it is empty")
        return self._read[1]

    def _no_token(self, api: str, reason: str) -> CloudSDKError:
        return CloudSDKError(
            -1,
            f"openapi.{api}:fail no token in {self._file}: {reason}",
            "Enable 云调用 and 微信令牌 in the console of Cloud Run and deploy a new version.",
        )
