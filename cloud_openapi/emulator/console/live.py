from flask import Flask

from cloud_openapi.emulator.console.tools import Tools


def add_live(_app: Flask, _tools: Tools) -> None:
    """Add the routes to the console."""
