"""Fill the variables in a cloudbaserc.json, {{env.NAME}} and others, as the CloudBase CLI does."""

import json
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cloud_openapi.runtime._descriptors import no_descriptor

ENV_FILES = (".env", ".env.local")
"""The files beside cloudbaserc.json that the CLI always reads; the later one wins."""

_TAG = re.compile(r"\{\{\{?&?\s*([\w.-]+)\s*\}?\}\}")
# The lines, keys and values of dotenv 8, which the CLI uses. A comment after a value is part of it.
_LINES = re.compile(r"\r\n|\n|\r")
_SETTING = re.compile(r"\s*([\w.-]+)\s*=(.*)", re.ASCII)


def fill(value: Mapping[str, Any], project: Path) -> dict[str, Any]:
    """Return the content of a cloudbaserc.json with its variables filled in.

    A variable of this process wins over the files. Those without a value stay as they are. Raises
    RecursionError for deep nesting.
    """
    variables = {f"env.{name}": text for name, text in _environment(project).items()}
    env_id = value.get("envId")
    if isinstance(env_id, str):
        env_id = _TAG.sub(lambda tag: variables.get(tag[1], tag[0]), env_id)
        variables = {"env.ENV_ID": env_id, "tcb.envId": env_id, **variables}
    variables["util.uid"] = secrets.token_hex(12)

    def text_of(tag: re.Match[str]) -> str:
        return json.dumps(variables[tag[1]])[1:-1] if tag[1] in variables else tag[0]

    filled: dict[str, Any] = json.loads(_TAG.sub(text_of, json.dumps(value)))
    return filled


def fill_from_process(text: str) -> str:
    """Fill {{env.NAME}} with variables of this process. Raises KeyError for another variable."""

    def value_of(tag: re.Match[str]) -> str:
        space, _, name = tag[1].partition(".")
        if space != "env" or name not in os.environ:
            raise KeyError(tag[1])
        return os.environ[name]

    return _TAG.sub(value_of, text)


def has_variables(text: str) -> bool:
    """Return whether a text has variables that are not filled in."""
    return _TAG.search(text) is not None


def _environment(project: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in ENV_FILES:
        try:
            text = (project / name).read_text("utf-8-sig", "replace")
        except OSError as error:
            if no_descriptor(error):
                raise
            continue  # the CLI skips them too; .env is often a folder
        for line in _LINES.split(text):
            if setting := _SETTING.fullmatch(line):
                found[setting[1]] = _unquoted(setting[2].strip())
    return {**found, **os.environ}


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        inner = text[1:-1]
        return inner.replace("\\n", "\n") if text[0] == '"' else inner
    return text
