"""Open the console of a running emulator."""

import os
import sys
import webbrowser

import click

from cloud_openapi.cli._control_client import ControlClient, console_of, url_option
from cloud_openapi.cli._options import option

_DESKTOPS = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")


@click.command()
@url_option
@option("--print", "only_print", is_flag=True, help="Only print the address.")
def ui(url: str, only_print: bool) -> None:  # noqa: FBT001 - a flag
    """Open the console of a running emulator in the browser.

    The address is printed, too. Where there is no browser, it is only printed.
    """
    ControlClient(url).find()
    console = console_of(url)
    click.echo(console)
    if not only_print and not _opens(console):
        click.echo("No browser was found here: open this address in one.", err=True)


def _opens(console: str) -> bool:
    """Open an address in the browser of the desktop or of $BROWSER; return False without one.

    In a terminal alone, webbrowser would start a text browser.
    """
    if sys.platform not in ("darwin", "win32") and not any(map(os.environ.get, _DESKTOPS)):
        return False
    try:
        # The preferred one; webbrowser.open tries text browsers after it.
        return webbrowser.get().open(console)
    except webbrowser.Error:
        return False
