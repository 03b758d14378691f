from flask import Flask, render_template

from cloud_openapi.emulator.console.tools import Tools


def add_overrides(app: Flask, tools: Tools) -> None:
    """Add the page to the console."""

    @app.get("/overrides")
    def overrides() -> str:
        return render_template("overrides.html", state=tools.emulator.describe())
