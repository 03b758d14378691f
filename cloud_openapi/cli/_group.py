import sys

import click

from cloud_openapi._version import __version__
from cloud_openapi.cli._apis import apis, openapi, schema
from cloud_openapi.cli._call import call
from cloud_openapi.cli._check import check
from cloud_openapi.cli._control import control
from cloud_openapi.cli._drift import drift
from cloud_openapi.cli._exec import exec_
from cloud_openapi.cli._install import install
from cloud_openapi.cli._invoke import invoke
from cloud_openapi.cli._logs import logs
from cloud_openapi.cli._record import import_, record
from cloud_openapi.cli._serve import serve
from cloud_openapi.cli._verify import verify_
from cloud_openapi.errors import CloudOpenAPIError, CloudSDKError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cloud-openapi")
def group() -> None:
    """Call WeChat's analysis APIs as cloud calls do, and emulate them on this machine.

    Every option is also a variable: --port is CLOUD_OPENAPI_PORT. Those of control, which say
    what to do to a running emulator, are not, apart from --url.
    """


for command in (
    apis,
    call,
    check,
    control,
    drift,
    exec_,
    import_,
    install,
    invoke,
    logs,
    openapi,
    record,
    schema,
    serve,
    verify_,
):
    group.add_command(command)


def run() -> None:
    """Run the group, and turn what can go wrong into one line."""
    try:
        group(prog_name="cloud-openapi")
    except CloudSDKError as error:
        parts = (f"{error.errMsg} (errCode {error.errCode})", error.hint)
        fail(". ".join(filter(None, parts)))
    except (CloudOpenAPIError, OSError) as error:
        fail(str(error))


def fail(message: str) -> None:
    """Write the one line and leave with 1."""
    click.echo("cloud-openapi: " + " ".join(message.split()), err=True)
    sys.exit(1)
