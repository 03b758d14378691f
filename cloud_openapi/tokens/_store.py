"""Places in which processes share access tokens: a folder of files, Redis, wechatpy's sessions."""

import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, cast
from uuid import uuid4

from cloud_openapi.clocks import now
from cloud_openapi.errors import ConfigError

_MOST_BYTES: Final = 16 * 1024
_REDIS_SECONDS: Final = 1.0
# Only the owner of a lease may end it: another process may have it by now.
_END_LEASE: Final = (
    "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"
)
_FORMS: Final = "file:FOLDER or redis://HOST:6379/0"


class StoreError(Exception):
    """A store that does not answer, or not in time; the text holds no password."""


class Key(NamedTuple):
    """The mini program that a token belongs to, and the service that granted it."""

    base_url: str
    appid: str


class Shared(NamedTuple):
    """A token in a store; the moments are seconds since 1970."""

    token: str
    until: float
    """The moment from which on it should be replaced."""
    ends: float

    def __repr__(self) -> str:
        return "Shared(token='***')"


class TokenStore(Protocol):
    """A place for tokens, one for each key. Each method raises StoreError."""

    def read(self, key: Key) -> Shared | None:
        """Return the token, or None if there is none."""
        ...

    def write(self, key: Key, shared: Shared) -> None:
        """Keep a token instead of the former one."""
        ...

    def lease(self, key: Key, seconds: float) -> AbstractContextManager[bool]:
        """Return a context that is True if this process alone may fetch a token now.

        It is False, at once, while another one has the lease. The lease of a process that was
        killed ends by itself, at the latest after ``seconds``.
        """
        ...


class FileStore:
    """A folder for the processes of one machine, with a file for each token.

    Only its owner may read a file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __repr__(self) -> str:
        return f"<FileStore {self._folder}>"

    def read(self, key: Key) -> Shared | None:
        """Return the token of the file; None if it is missing or not one of this class."""
        try:
            with self._path(key).open("rb") as file:
                return _parsed(file.read(_MOST_BYTES))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failed(error) from None

    def write(self, key: Key, shared: Shared) -> None:
        """Replace the file: a reader sees the former token or the new one, whole."""
        path = self._path(key)
        # Only the process with the lease writes, so one name is enough.
        draft = path.with_suffix(".new")
        try:
            self._make_folder()
            number = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(number, "wb") as file:
                file.write(_text(shared))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError as error:
            raise self._failed(error) from None

    @contextmanager
    def lease(self, key: Key, seconds: float) -> Iterator[bool]:  # noqa: ARG002 - the kernel ends it
        """Lock a file beside that of the token."""
        try:
            from fcntl import LOCK_EX, LOCK_NB, flock  # noqa: PLC0415
        except ImportError:
            raise StoreError("a token store of files needs Linux or macOS; use Redis") from None
        try:
            self._make_folder()
            lock = os.open(self._path(key).with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._failed(error) from None
        try:
            try:
                flock(lock, LOCK_EX | LOCK_NB)
            except BlockingIOError:
                mine = False
            except OSError as error:
                raise self._failed(error) from None
            else:
                mine = True
            yield mine
        finally:
            os.close(lock)

    def _make_folder(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _path(self, key: Key) -> Path:
        name = sha256("\n".join(key).encode("utf-8", "surrogatepass")).hexdigest()[:32]
        return self._folder / f"{name}.json"

    def _failed(self, error: OSError) -> StoreError:
        return StoreError(f"{self._folder}: {error.strerror}")


class RedisStore:
    """A Redis server for the processes of many machines; needs the package redis.

    Raises ConfigError for an invalid address.
    """

    def __init__(self, url: str) -> None:
        try:
            import redis  # noqa: PLC0415
        except ModuleNotFoundError:
            raise ConfigError(
                "A token store in Redis needs the package redis: pip install 'redis>=5'"
            ) from None
        try:
            self._client: Any = redis.Redis.from_url(
                url, socket_timeout=_REDIS_SECONDS, socket_connect_timeout=_REDIS_SECONDS
            )
            # Without a connection: the parameters of the address are read here.
            self._client.connection_pool.make_connection()
        except (ValueError, TypeError, redis.RedisError):
            # The error may repeat the address, which may hold a password.
            raise ConfigError(f"token_store is {_FORMS}; this address is invalid") from None
        # redis raises ValueError for an invalid host name.
        self._errors: tuple[type[Exception], ...] = (redis.RedisError, OSError, ValueError)

    def __repr__(self) -> str:
        return "<RedisStore>"

    def read(self, key: Key) -> Shared | None:
        """Return the token of the server."""
        with self._told():
            data = self._client.get(_name(key))
        return None if data is None else _parsed(data)

    def write(self, key: Key, shared: Shared) -> None:
        """Replace the token, which the server drops when it ends."""
        with self._told():
            left = max(1, int((shared.ends - now()) * 1000))
            self._client.set(_name(key), _text(shared), px=left)

    @contextmanager
    def lease(self, key: Key, seconds: float) -> Iterator[bool]:
        """Set a key that ends by itself, unless it is there."""
        name, owner = f"{_name(key)}:lease", uuid4().hex
        with self._told():
            mine = bool(self._client.set(name, owner, nx=True, px=int(seconds * 1000)))
        try:
            yield mine
        finally:
            if mine:
                # A lease that cannot be ended ends by itself.
                with suppress(*self._errors):
                    self._client.eval(_END_LEASE, 1, name, owner)

    @contextmanager
    def _told(self) -> Iterator[None]:
        failure = None
        try:
            yield
        except self._errors as error:
            failure = StoreError(f"Redis: {type(error).__name__}")
        if failure is not None:
            raise failure


class SessionStore:
    """wechatpy's session storage, any object with ``get``, ``set`` and ``delete``.

    The token has wechatpy's own name, so that both use the same one. These storages have no lease:
    two processes that start together may both fetch.
    """

    def __init__(self, storage: Any) -> None:
        self._storage = storage

    def __repr__(self) -> str:
        return f"<SessionStore {type(self._storage).__name__}>"

    def read(self, key: Key) -> Shared | None:
        """Return the token; one that wechatpy has stored ends with its entry."""
        with self._told():
            token = self._storage.get(f"{key.appid}_access_token")
            times = self._storage.get(f"{key.appid}_access_token_times")
        if not isinstance(token, str) or not token:
            return None
        with suppress(TypeError, ValueError):
            end_of_token, until, ends = times
            if end_of_token == token[-8:]:
                return Shared(token, float(until), float(ends))
        return Shared(token, _NEVER, _NEVER)

    def write(self, key: Key, shared: Shared) -> None:
        """Keep the token for as long as it is valid."""
        left = max(1, int(shared.ends - now()))
        with self._told():
            self._storage.set(f"{key.appid}_access_token", shared.token, left)
            times = [shared.token[-8:], shared.until, shared.ends]
            self._storage.set(f"{key.appid}_access_token_times", times, left)

    def lease(self, key: Key, seconds: float) -> AbstractContextManager[bool]:  # noqa: ARG002
        """Return True: the storage cannot tell."""
        return nullcontext(enter_result=True)

    @contextmanager
    def _told(self) -> Iterator[None]:
        failure = None
        try:
            yield
        except Exception as error:  # noqa: BLE001 - the storage may be anything
            failure = StoreError(f"{type(self._storage).__name__}: {type(error).__name__}")
        if failure is not None:
            raise failure


_NEVER: Final = float("inf")


def token_store(given: Any) -> TokenStore:
    """Return the store that ``file:FOLDER``, ``redis://…`` or an object stands for.

    Raises ConfigError.
    """
    if isinstance(given, str):
        if given.startswith("file:") and len(given) > len("file:"):
            return FileStore(Path(given.removeprefix("file:")).expanduser())
        if given.startswith(("redis://", "rediss://", "unix://")):
            return RedisStore(given)
        scheme = given.partition(":")[0]
        raise ConfigError(f"token_store (CLOUD_OPENAPI_TOKEN_STORE) is {_FORMS}, not {scheme!r}: …")
    if all(callable(getattr(given, name, None)) for name in ("read", "write", "lease")):
        return cast("TokenStore", given)
    if all(callable(getattr(given, name, None)) for name in ("get", "set", "delete")):
        return SessionStore(given)
    raise ConfigError(
        f"token_store is {_FORMS}, or an object with read, write and lease, or with wechatpy's "
        f"get, set and delete; not {type(given).__name__}"
    )


def _name(key: Key) -> str:
    return f"cloud_openapi:token:{key.base_url}:{key.appid}"


def _text(shared: Shared) -> bytes:
    return json.dumps(shared._asdict()).encode()


def _parsed(data: bytes) -> Shared | None:
    """Return the token of a JSON text, None for any other text."""
    with suppress(ValueError, TypeError, RecursionError):
        found = Shared(**json.loads(data))
        if isinstance(found.token, str) and found.token:
            return found._replace(until=float(found.until), ends=float(found.ends))
    return None
