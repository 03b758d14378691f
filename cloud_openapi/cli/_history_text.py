"""Texts about the range of a history, and the command that fills it."""

import shlex
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import click

from cloud_openapi.json_text import json_text
from cloud_openapi.periods import LAUNCH

DEFAULT_STORE: Final = "history.sqlite"


def say_launch(begin: date | None, end: date | None) -> None:
    """Say on stderr that a range begins later than it was asked for."""
    if begin is not None and begin < LAUNCH <= (end or LAUNCH):
        click.echo(
            f"The range begins on {LAUNCH}, when mini programs opened, not on {begin}: "
            "WeChat has no earlier numbers.",
            err=True,
        )


def sync_command(  # noqa: PLR0913 - an option each
    api: str,
    begin: date | None = None,
    end: date | None = None,
    *,
    days: int = 1,
    params: Mapping[str, Any] | None = None,
    store: str,
    name: str,
    app: Sequence[str] = (),
) -> str:
    """Return the command that asks for what a store lacks.

    ``name`` is the store's URL without its password and its query.
    """
    # A sync knows no begin for an end that may be old.
    begin = LAUNCH if begin is None and end is not None else begin
    is_secret = "://" in store and store != name
    options = {
        "--from": begin,
        "--to": end,
        "--days": days if days > 1 else None,
        "--params": json_text(params, compact=True) if params else None,
        "--appid": app[0] if len(app) == 1 else None,
        "--apps": "FILE" if len(app) > 1 else None,
        "--store": None if store == DEFAULT_STORE else "URL" if is_secret else store,
    }
    given = [text for name, each in options.items() if each is not None for text in (name, each)]
    return shlex.join(["cloud-openapi", "history", "sync", api, *map(str, given)])
