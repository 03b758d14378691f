from flask import Flask, render_template

from cloud_openapi.emulator.console.tools import Tools


def add_requests(app: Flask, tools: Tools) -> None:
    """Add the page to the console."""

    @app.get("/requests")
    def requests() -> str:
        return render_template("requests.html", state=tools.emulator.describe())
