from flask import Flask, render_template

from cloud_openapi.emulator.console.tools import Tools


def add_apis(app: Flask, tools: Tools) -> None:
    """Add the page to the console."""

    @app.get("/apis")
    def apis() -> str:
        return render_template("apis.html", state=tools.emulator.describe())
