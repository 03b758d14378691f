"""One function: its runtime, packages, permissions, and what else fails on the platform."""

import re
from collections.abc import Iterator
from pathlib import Path

from cloud_openapi.doctor._finding import Finding, fine, note, problem
from cloud_openapi.runtime import CloudbaseRC, Functions, shown_path
from cloud_openapi.runtime.packing import HERE, python_of

_SECRET = re.compile(r"SECRET|PASSWORD|PASSWD|TOKEN|PRIVATE|CREDENTIAL|API_?KEY", re.IGNORECASE)


def of_function(functions: Functions, name: str) -> Iterator[Finding]:
    """Yield the findings on a function. Raises KeyError for an unknown name."""
    settings = functions.settings_of(name)
    yield fine("runtime", f"{name}: {settings.runtime}, {shown_path(settings.file)}")
    if settings.language == "python" and (there := python_of(settings)) != HERE:
        text = f"{name}: it runs with Python {HERE} here, and with Python {there} on the platform"
        yield note("runtime", text, f"try what is uploaded: cloud-openapi package {name} --check")
    listed = sorted(functions.permissions_of(name))
    permitted = ", ".join(listed) or "no API"
    yield fine("permissions", f"{name}: config.json permits {permitted}")
    yield from _secrets(functions.folder, name)
    for each in functions.check(name):
        place = each.place._replace(file=shown_path(Path(each.place.file)))
        text = f"{name}: {place}: {each.message}"
        todo = each.details.strip().splitlines()[-1] if each.details.strip() else ""
        topic = "permissions" if "permission" in each.code else "function"
        make = problem if each.severity == "problem" else note
        yield make(topic, text, todo)


def _secrets(folder: Path, name: str) -> Iterator[Finding]:
    """Yield the variables in cloudbaserc.json whose value is a secret, as it seems."""
    rc = CloudbaseRC(folder)
    for key, value in rc.written_variables(name).items():
        if _SECRET.search(key) and isinstance(value, str) and value and "{{" not in value:
            text = f"{name}: {shown_path(rc.read().path or folder)} holds the value of {key}"
            todo = f'write "{{{{env.{key}}}}}", and the value into .env.local, outside of git'
            yield problem("secrets", text, todo)
