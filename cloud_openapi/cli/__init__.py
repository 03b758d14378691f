"""The command cloud-openapi."""

import sys


def main() -> None:
    """Run the command. An error is one line on stderr and exit code 1, wrong usage is 2."""
    try:
        from cloud_openapi.cli._group import run

        run()
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "cloud_openapi":
            raise
        from cloud_openapi.extras import install_command

        sys.exit(
            f"cloud-openapi: {error.name} is not installed; the commands need "
            + install_command("emulator")
        )
