"""Cloud, the counterpart of wx-server-sdk's module object in Node.js."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.client import Client
from cloud_openapi.context import DYNAMIC_CURRENT_ENV, DynamicEnv, wx_context
from cloud_openapi.errors import CloudSDKError
from cloud_openapi.openapi import OpenAPI
from cloud_openapi.permissions import Permissions, config_of, is_in_function
from cloud_openapi.transports import Transport, connect, settings_from_environment, variable_of

if TYPE_CHECKING:
    from cloud_openapi import types
    from cloud_openapi.catalogue import Operation
    from cloud_openapi.database import Database
    from cloud_openapi.storage import (
        DeleteFileResult,
        DownloadFileResult,
        GetTempFileURLResult,
        Storage,
        UploadFileResult,
    )

_NOT_INITIALISED = (
    "Cloud API isn't enabled, please call init first\n"
    "请先调用 init 完成初始化后再调用其他云 API。"
    "init 方法可传入一个对象用于设置默认配置，详见文档。"
)


class Cloud:
    """The cloud calls of one mini program: ``init`` once, then ``openapi``."""

    DYNAMIC_CURRENT_ENV = DYNAMIC_CURRENT_ENV

    def __init__(self) -> None:
        self._transport: Transport | None = None
        self._explicit = False
        # The key is the file of the calling module: each function has its own allowlist.
        self._clients: dict[str | None, Client] = {}
        self._openapi: OpenAPI | None = None

    def __repr__(self) -> str:
        return f"<Cloud {next(iter(self._clients.values()), 'before init')}>"

    def init(  # noqa: PLR0913 - each is a setting of its own
        self,
        *,
        appid: str | None = None,
        secret: str | None = None,
        base_url: str | None = None,
        config: str | os.PathLike[str] | None = None,
        token_api: str | None = None,
        timeout: float | None = None,
        transport: Transport | str | None = None,
        env: str | DynamicEnv | None = None,
        token_file: str | os.PathLike[str] | None = None,
        token_store: Any = None,
    ) -> None:
        """Set up the calls. Each option is also a variable: CLOUD_OPENAPI_APPID and so on.

        ``config`` is the config.json with the allowlist; its default is, for a function, the
        config.json in its own folder, and for other code the one in the working directory.
        ``token_api`` is ``stable_token`` (default) or ``token``; ``timeout`` is in seconds
        (default 15). ``transport`` is ``https``, ``gateway``, ``cloudrun`` or an object with a
        method ``send``. Its default is the gateway in a function of CloudBase without an appid
        and a secret among its settings, and HTTPS elsewhere. ``env`` is the environment's id for
        the gateway, ``token_file`` the file with Cloud Run's token. ``token_store``
        lets processes share one token: ``file:FOLDER``, ``redis://HOST``, a session storage of
        wechatpy's, or an object of yours.

        Without credentials and without a loopback ``base_url`` the first call raises
        CloudSDKError. Raises ConfigError for invalid settings or an invalid config.json.
        """
        chosen = config or variable_of("config")
        caller = sys._getframe(1).f_globals.get("__file__")  # noqa: SLF001 - the way to know it
        if transport is None or isinstance(transport, str):
            settings = settings_from_environment(
                appid=appid,
                secret=secret,
                base_url=base_url,
                token_api=token_api,
                timeout=timeout,
                transport=transport,
                env=env,
                token_file=token_file,
                token_store=token_store,
            )
            transport = connect(settings)
        permissions = None
        if not getattr(transport, "enforces_permissions", False):
            permissions = Permissions.load(Path(chosen) if chosen else config_of(caller))
        self._transport = transport or _NoTransport()
        self._explicit = bool(chosen) or permissions is None
        self._clients = {None: Client(permissions, self._transport)}

    @property
    def openapi(self) -> "types.OpenAPI":
        """Every API of the catalogue: ``cloud.openapi.<namespace>.<method>(…)``."""
        if self._openapi is None:
            self._openapi = OpenAPI(default_catalogue(), self._client_of)
        return cast("types.OpenAPI", self._openapi)

    def callFunction(
        self, options: Mapping[str, Any] | None = None, /, **keywords: Any
    ) -> dict[str, Any]:
        """Call another function of the environment: ``{"name": …, "data": {…}}`` or keywords.

        Returns ``{"result", "errMsg", "requestID"}``. Raises CloudSDKError as wx-server-sdk 4.0.2
        does, and also without the CloudBase gateway; TypeError for unknown options.
        """
        if self._transport is None:
            raise _not_initialised()
        # Here and below: a function pays only for what it uses.
        from cloud_openapi.call_function import call_function  # noqa: PLC0415

        return call_function(self._transport, keywords if options is None else options)

    def database(self, options: Mapping[str, Any] | None = None, /, **keywords: Any) -> "Database":
        """Return the cloud database; the options are ``env`` and ``throwOnNotFound``.

        Raises CloudSDKError without the CloudBase gateway, TypeError for unknown options.
        """
        if self._transport is None:
            raise _not_initialised()
        from cloud_openapi.database import Database  # noqa: PLC0415

        return Database(self._transport, options, **keywords)

    def uploadFile(
        self, options: Mapping[str, Any] | None = None, /, **keywords: Any
    ) -> "UploadFileResult":
        """Store a file: ``{"cloudPath": …, "fileContent": bytes or a file opened by "rb"}``.

        Returns ``{"fileID", "statusCode", "errMsg"}``. Raises CloudSDKError, TypeError.
        """
        return self._storage().upload(keywords if options is None else options)

    def downloadFile(
        self, options: Mapping[str, Any] | None = None, /, **keywords: Any
    ) -> "DownloadFileResult":
        """Return a file: ``{"fileID": …}``, with ``tempFilePath`` written to that path.

        Returns ``{"fileContent", "statusCode", "errMsg"}``. Raises CloudSDKError, TypeError, and
        OSError for a path that cannot be written.
        """
        return self._storage().download(keywords if options is None else options)

    def getTempFileURL(
        self, options: Mapping[str, Any] | None = None, /, **keywords: Any
    ) -> "GetTempFileURLResult":
        """Return URLs of files: ``{"fileList": [fileID, {"fileID": …, "maxAge": seconds}]}``.

        Returns ``{"fileList": […], "errMsg"}``, of each file ``fileID``, ``status``, ``errMsg``,
        ``maxAge`` and ``tempFileURL``. Raises CloudSDKError, TypeError.
        """
        return self._storage().temp_file_url(keywords if options is None else options)

    def deleteFile(
        self, options: Mapping[str, Any] | None = None, /, **keywords: Any
    ) -> "DeleteFileResult":
        """Delete files: ``{"fileList": [fileID]}``.

        Returns ``{"fileList": [{"fileID", "status", "errMsg"}], "errMsg"}``. Raises CloudSDKError,
        TypeError.
        """
        return self._storage().delete(keywords if options is None else options)

    def _storage(self) -> "Storage":
        if self._transport is None:
            raise _not_initialised()
        from cloud_openapi.storage import Storage  # noqa: PLC0415

        return Storage(self._transport)

    @staticmethod
    def getWXContext() -> dict[str, Any]:
        """Return ``OPENID``, ``APPID``, ``ENV``, ``SOURCE`` and so on of this invocation."""
        return wx_context()

    def _client_of(self, module_file: str | None) -> Client:
        """Return the client with the allowlist for a module."""
        if self._transport is None:
            raise _not_initialised()
        if self._explicit:
            return self._clients[None]
        client = self._clients.get(module_file)
        if client is None:
            client = self._clients[None]
            if is_in_function(module_file):
                client = Client(Permissions.load(config_of(module_file)), self._transport)
            self._clients[module_file] = client
        return client


def _not_initialised() -> CloudSDKError:
    return CloudSDKError(-1, _NOT_INITIALISED, "Call cloud.init() before the first call.")


class _NoTransport:
    """The transport without credentials: a module can be imported, and its first call fails."""

    def __repr__(self) -> str:
        return "without credentials"

    def send(self, operation: "Operation", _params: Mapping[str, Any], /) -> dict[str, Any]:
        raise CloudSDKError(
            -1,
            f"openapi.{operation.name}:fail no credentials",
            "Set CLOUD_OPENAPI_BASE_URL to the emulator's address (cloud-openapi serve prints "
            "it), or CLOUD_OPENAPI_APPID and CLOUD_OPENAPI_SECRET to call the real service.",
        )
