"""The pytest plugin: fixtures for tests of cloud functions and of their callers.

Every run of pytest loads this module, so it is outside of the package and imports it only when a
fixture is used. See docs/how-to/pytest.md.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from cloud_openapi import Cloud
    from cloud_openapi.pytest_plugin import CloudDatabase, CloudEmulator, CloudStorage, Session


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the command line and of the ini file."""
    group = parser.getgroup("cloud_openapi", "cloud_openapi: WeChat cloud calls")
    group.addoption(
        "--record",
        action="store_true",
        dest="cloud_openapi_record",
        help="let the fixture `recording` call the service, with CLOUD_OPENAPI_APPID and "
        "CLOUD_OPENAPI_SECRET, and write its responses",
    )
    group.addoption(
        "--cloud-functions",
        metavar="DIR",
        dest="cloud_openapi_functions",
        help="the folder of the cloud functions (ini: cloud_openapi_functions)",
    )
    parser.addini(
        "cloud_openapi_functions",
        "the folder of the cloud functions; default: that of cloudbaserc.json, or functions",
        default="",
    )
    parser.addini(
        "cloud_openapi_config", "the config.json of the fixture `cloud`", default="config.json"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        "cloud_openapi(now, seed, faults, pins, recording, function_time, database): "
        "settings of the emulator for a test",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Show the emulator's journal below a failed test."""
    report = yield
    emulator = getattr(item, "funcargs", {}).get("cloud_emulator")
    if emulator is not None and report.failed and report.when != "teardown":
        report.sections.append(("Journal of cloud_openapi's emulator", emulator.transcript()))
    return report


@pytest.fixture(scope="session")
def cloud_openapi_session(request: pytest.FixtureRequest) -> "Iterator[Session]":
    """Serve one emulator with the project's functions for each worker of pytest-xdist."""
    try:
        from cloud_openapi.pytest_plugin import Session  # noqa: PLC0415
    except ModuleNotFoundError as error:
        from cloud_openapi.extras import install_command  # noqa: PLC0415

        raise pytest.UsageError(
            f"{error.name} is not installed; the fixtures need {install_command('pytest')}"
        ) from error

    session = Session(request.config)
    yield session
    session.close()


@pytest.fixture
def cloud_emulator(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    cloud_openapi_session: "Session",
) -> "CloudEmulator":
    """Return the emulator, reset, with a mini program of its own for this test."""
    from cloud_openapi.pytest_plugin import environment_of  # noqa: PLC0415

    for name, value in environment_of(request.node).items():
        monkeypatch.setenv(name, value)
    return cloud_openapi_session.begin(request.node)


@pytest.fixture
def cloud(cloud_emulator: "CloudEmulator") -> "Cloud":
    """Return the facade for this test's mini program, with the config.json of the project."""
    return cloud_emulator.facade()


@pytest.fixture
def invoke_function(cloud_emulator: "CloudEmulator") -> Callable[..., Any]:
    """Return a function that invokes one of the project: ``invoke_function(name, event)``."""
    return cloud_emulator.invoke


@pytest.fixture
def cloud_database(cloud_emulator: "CloudEmulator") -> "CloudDatabase":
    """Return the database of this test: ``cloud_database["todos"].find_one({"_id": "a"})``."""
    from cloud_openapi.pytest_plugin import CloudDatabase  # noqa: PLC0415

    return CloudDatabase(cloud_emulator)


@pytest.fixture
def cloud_storage(cloud_emulator: "CloudEmulator") -> "CloudStorage":
    """Return the files of this test by path: ``cloud_storage["images/a.png"] == b"…"``."""
    from cloud_openapi.pytest_plugin import CloudStorage  # noqa: PLC0415

    return CloudStorage(cloud_emulator)


@pytest.fixture
def recording(
    request: pytest.FixtureRequest,
    cloud_openapi_session: "Session",
    cloud_emulator: "CloudEmulator",
) -> Path:
    """Answer only from recordings, or make them with --record; return their file."""
    del cloud_emulator  # its setup has to come first
    return cloud_openapi_session.use_recording(request.node)


@pytest.fixture
def assert_contract() -> Callable[[Mapping[str, Any], str, str, str], None]:
    """Return a function that checks a body against an API's schema: see docs/how-to/contract.md."""
    from cloud_openapi.contract import assert_contract  # noqa: PLC0415

    return assert_contract  # type: ignore[return-value]  # forms and sides are texts here
