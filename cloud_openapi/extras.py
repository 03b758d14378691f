import re
import shlex

_EXTRA = re.compile(r"""\bextra\s{0,9}==\s{0,9}["']([\w-]{1,99})["']""")


def requirements_of(extra: str = "") -> list[str]:
    """Return the packages of an extra, by default those that this package needs without one.

    Empty for a checkout that is used without being installed.
    """
    # Only a message about a missing package needs this, which takes longer than the message.
    from importlib.metadata import PackageNotFoundError, requires  # noqa: PLC0415

    try:
        listed = requires("cloud-openapi") or []
    except PackageNotFoundError:
        return []
    found = []
    for text in listed:
        package, _, marker = text.partition(";")
        of = _EXTRA.search(marker)
        if (of[1] if of else "") == extra:
            found.append(package.strip())
    return found


def install_command(extra: str) -> str:
    """Return the command that installs the packages of an extra.

    It names them one by one: this package is on no index.
    """
    packages = requirements_of(extra) or [f".[{extra}]"]
    return "pip install " + " ".join(map(shlex.quote, packages))
