"""The mini program whose database or files a page shows."""

from flask import request

from cloud_openapi.emulator.console.tools import Tools
from cloud_openapi.emulator.mini_program import MiniProgram


def chosen_appid(tools: Tools) -> str:
    """Return the appid that a request names, by default that of the first mini program."""
    return request.values.get("appid") or tools.emulator.first_appid


def chosen_program(tools: Tools) -> MiniProgram:
    """Return the mini program that a request names, by default the first one."""
    return tools.emulator.program(chosen_appid(tools))


def own_appid(tools: Tools, program: MiniProgram) -> str | None:
    """Return the appid that the pages' addresses need, None for the first mini program."""
    return None if program.appid == tools.emulator.first_appid else program.appid
