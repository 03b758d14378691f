from flask import Flask, render_template

from cloud_openapi.emulator.console.tools import Tools


def add_data(app: Flask, tools: Tools) -> None:
    """Add the page to the console."""

    @app.get("/data")
    def data() -> str:
        return render_template("data.html", state=tools.emulator.describe())
