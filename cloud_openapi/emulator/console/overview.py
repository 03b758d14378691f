from flask import Flask, render_template

from cloud_openapi.emulator.console.tools import Tools


def add_overview(app: Flask, tools: Tools) -> None:
    """Add the page to the console."""

    @app.get("/")
    def overview() -> str:
        return render_template("overview.html", state=tools.emulator.describe())
