from flask import Flask, render_template

from cloud_openapi.emulator.console.tools import Tools


def add_functions(app: Flask, tools: Tools) -> None:
    """Add the page to the console."""

    @app.get("/functions")
    def functions() -> str:
        return render_template("functions.html", state=tools.emulator.describe())
