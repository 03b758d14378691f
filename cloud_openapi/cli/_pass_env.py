"""The option --pass-env: variables of the shell that functions shall have."""

import os
from collections.abc import Sequence

import click

from cloud_openapi.cli._options import option

_OF_THE_PLATFORM = (
    "CLOUD_OPENAPI_",
    "QCLOUD_",
    "SCF_",
    "TCB_",
    "TENCENTCLOUD_",
    "WX_",
    "_SCF_",
    "PWD",
    "TRIGGER_SRC",
    "USER_CODE_ROOT",
)


def _from_here(
    _context: click.Context, _option: click.Parameter, names: Sequence[str]
) -> dict[str, str]:
    """Return variables of this process by their names."""
    for name in names:
        if name.startswith(_OF_THE_PLATFORM):
            raise click.BadParameter(f"{name} is the platform's; the emulator sets it itself")
        if name not in os.environ:
            raise click.BadParameter(f"{name} is not set here")
    return {name: os.environ[name] for name in names}


pass_env_option = option(
    "--pass-env",
    multiple=True,
    metavar="NAME",
    callback=_from_here,
    help="Hand a variable of this shell to the functions, which get none but PATH, proxies and "
    "certificates; may be given again. Several in the variable: with spaces between.",
)
