"""The reasons of refusals that need nothing but the code, and the commands that reasons name."""

from collections.abc import Collection, Mapping
from shlex import quote
from typing import Any, Final

from cloud_openapi.errors import advice
from cloud_openapi.known_names import shortened

_REASONS: Final = {
    -1: "the mini program was reset while the request ran: send it again",
    40002: 'grant_type must be "client_credential"',
    40066: "the emulator has no such path: see the list at /, or pin the API to call it by the "
    "gateway",
    41001: "the token is missing: add it to the query of the URL, ?access_token=…",
    41002: "appid is missing",
    41004: "secret is missing",
    43001: "send the request with GET",
    43002: "send the request with POST",
    44002: "the body is empty: send a JSON object",
    45002: "the body is larger than 6 MB",
    47001: "the body is not a JSON object in UTF-8",
    48006: "the counts were cleared too often: WeChat allows ten times a month, and fifty times "
    "for single paths",
    76001: "the emulator keeps the rids of refused requests only, and the newest of them",
    76002: "a rid is three groups of hexadecimal digits, as at the end of an errmsg",
    76003: "the rid is that of another mini program's request",
    76004: "the rid is older than seven days by the emulator's clock",
    76021: "cgi_path is the path of an API, such as /cgi-bin/token",
    76022: "cgi_path is that of another kind of account",
    85105: "Cloud Run is off for this mini program: set its cloud_run",
    85107: "the path is not in api_whitelist of the mini program's cloud_run",
    85113: "ready is false in the mini program's cloud_run",
}

_DEFAULT_URLS: Final = ("http://localhost:7070", "http://127.0.0.1:7070")


def reason_of(code: int) -> str:
    """Return why requests are refused with a code, or advice on it, or an empty string."""
    return _REASONS.get(code) or advice(code)


def unknown_appid(
    environ: Mapping[str, Any], known: Collection[str], *, lasting: bool = True
) -> str:
    """Return why an appid is refused, for the request that has it."""
    command = control_command(environ, "app set APPID --secret SECRET", lasting=lasting)
    return f"the emulator's mini programs are {shortened(known)}; to add one: {command}"


def control_command(environ: Mapping[str, Any], words: str, *, lasting: bool = True) -> str:
    """Return a command, to be pasted, that controls the emulator which got a request.

    An emulator that is not ``lasting`` ends before the command is pasted.
    """
    if not lasting:
        return f"cloud-openapi serve, and in another terminal: cloud-openapi control {words}"
    return f"cloud-openapi control --url {_local_url(environ)} {words}"


def options_for(url: str, appid: str | None = None) -> str:
    """Return the options that lead a pasted command to an emulator and its mini program.

    They follow the command. The default URL needs none.
    """
    place = "" if url in _DEFAULT_URLS else f" --url {quote(url)}"
    return place if appid is None else f"{place} --appid {quote(appid)}"


def local_options(environ: Mapping[str, Any], *, lasting: bool) -> str | None:
    """Return the options that lead a pasted command to the emulator which got a request.

    An emulator that is not ``lasting`` ends before a command is pasted: None stands for no command.
    """
    return options_for(_local_url(environ)) if lasting else None


def _local_url(environ: Mapping[str, Any]) -> str:
    return f"http://localhost:{environ['SERVER_PORT']}"
