"""Cassettes for tests: JSON as VCR.py writes it, without the package's own writer."""

import contextlib
import io
import json
import sys
from types import SimpleNamespace
from unittest import mock

import pytest

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.cli import main


def interaction(api, request, answer, *, recorded_at=None, status=200):
    """Return an interaction; ``request`` and ``answer`` are JSON values, or the text to use."""
    path = default_catalogue()[api].path if api in default_catalogue() else api
    text = [each if isinstance(each, str) else json.dumps(each) for each in (request, answer)]
    entry = {
        "request": {
            "method": "POST",
            "uri": f"https://api.weixin.qq.com{path}?access_token=REDACTED",
            "body": text[0],
            "headers": {},
        },
        "response": {
            "status": {"code": status, "message": ""},
            "headers": {},
            "body": {"string": text[1]},
        },
    }
    return {**entry, "recorded_at": recorded_at} if recorded_at else entry


def cassette(path, *interactions):
    """Write a cassette and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"version": 1, "interactions": interactions}), "utf-8")
    return path


def run(*arguments):
    """Run the command in this process; return its exit code and output."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["cloud-openapi", *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    return SimpleNamespace(
        returncode=ended.value.code or 0, stdout=out.getvalue(), stderr=err.getvalue()
    )
