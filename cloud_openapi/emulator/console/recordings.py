from flask import Flask, render_template

from cloud_openapi.emulator.console.tools import Tools


def add_recordings(app: Flask, tools: Tools) -> None:
    """Add the page to the console."""

    @app.get("/recordings")
    def recordings() -> str:
        return render_template("recordings.html", state=tools.emulator.describe())
