"""Who may open the console: this machine; with a password, other machines too."""

from base64 import b64encode

import pytest

from cloud_openapi import clocks
from cloud_openapi.emulator import Access, create_app

PASSWORD = "口令 with: all"
FAR = "10.0.0.7"
PATHS = ["/_console", "/_console/", "/_console/requests", "/_console/static/console.css"]
LOOPBACK = "127.0.0.1:7070"


class Door:
    """Sends requests to an application with an access."""

    def __init__(self, **access):
        self._client = create_app(access=Access(**access)).test_client()

    def get(self, path="/_console/", *, host=LOOPBACK, address="127.0.0.1", **headers):
        given = {"Host": host, **{name.replace("_", "-"): text for name, text in headers.items()}}
        with self._client.get(
            path, headers=given, environ_overrides={"REMOTE_ADDR": address}
        ) as answer:
            answer.get_data()
            return answer

    def status(self, *arguments, **given):
        return self.get(*arguments, **given).status_code


@pytest.fixture
def wide():
    return Door(wide=True, console_password=PASSWORD)


@pytest.fixture
def minute(monkeypatch):
    """Hold the clock at a minute's beginning; return a function that moves it by seconds."""
    seconds = [60_000.0]
    monkeypatch.setattr(clocks, "monotonic", lambda: seconds[0])

    def move(by):
        seconds[0] += by

    return move


def basic(password, user="me"):
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


# ---- without a password --------------------------------------------------------------------


@pytest.mark.parametrize(
    "access", [{}, {"control": True}, {"wide": True, "control": True}, {"console_password": "x"}]
)
@pytest.mark.parametrize("path", PATHS)
def test_console_is_for_this_machine(access, path):
    door = Door(**access)
    assert door.status(path) in (200, 302)
    far = door.get(path, host="emulator:7070" if "wide" in access else LOOPBACK, address=FAR)
    assert (far.status_code, far.json["code"]) == (403, "NOT_LOOPBACK")
    assert "--host" in far.json["message"]


@pytest.mark.parametrize("host", ["localhost", "[::1]:7070", "127.8.9.10:1"])
def test_console_has_the_names_of_loopback_addresses(host):
    assert Door().status(host=host) == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "wx.localhost", "host.docker.internal", "x", ""],
)
def test_another_name_that_resolves_to_this_machine_does_not_open_the_console(host):
    assert Door().status(host=host) == 403


def test_added_name_does_not_open_the_console():
    door = Door(hosts=frozenset({"wx.corp.example"}))
    assert door.status("/healthz", host="wx.corp.example") == 200
    assert door.status(host="wx.corp.example") == 403


# ---- with a password -----------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("address", ["127.0.0.1", FAR])
def test_password_is_asked_for_on_this_and_other_machines(wide, path, address):
    answer = wide.get(path, address=address)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")
    assert PASSWORD not in answer.text
    right = wide.status(path, address=address, host="10.0.0.1", Authorization=basic(PASSWORD))
    assert right in (200, 302)


@pytest.mark.parametrize("user", ["", "admin", "用户"])
def test_any_user_name_will_do(wide, user):
    assert wide.status(Authorization=basic(PASSWORD, user)) == 200


@pytest.mark.parametrize(
    "header",
    [
        basic(""), basic(PASSWORD[:-1]), basic(f"{PASSWORD} "), basic("\0"), "Basic",
        "Basic !", "Basic /w==", "Bearer 口令".encode().decode("latin-1"), "Digest username=x",
        "Basic " + b64encode(b"no colon").decode(),
    ],
)  # fmt: skip
def test_wrong_and_malformed_passwords_are_refused(wide, header):
    assert wide.status(Authorization=header) == 401


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example"])
def test_site_that_resolves_to_the_emulator_is_not_asked_for_the_password(wide, host):
    assert wide.status(host=host) == 403
    assert wide.status(host=host, Authorization=basic(PASSWORD)) == 403


@pytest.mark.parametrize(
    "page", [{"Origin": "https://evil.example"}, {"Sec_Fetch_Site": "cross-site"}]
)
def test_password_does_not_open_the_console_for_another_site_s_page(wide, page):
    assert wide.status(Authorization=basic(PASSWORD), **page) == 403


def test_password_is_the_console_s_alone(wide):
    assert wide.status("/healthz", host="emulator", address=FAR) == 200
    far = wide.status("/_emulator/state", address=FAR, Authorization=basic(PASSWORD))
    assert far == 403
    assert wide.status("/_emulator/state") == 200


@pytest.mark.usefixtures("minute")
def test_ten_wrong_passwords_in_a_minute_hold_up_their_address(wide):
    for _ in range(10):
        assert wide.status(address=FAR, Authorization=basic("guess")) == 401
    held = wide.get(address=FAR, Authorization=basic(PASSWORD))
    assert (held.status_code, held.headers["Retry-After"]) == (429, "60")
    assert wide.status(address="10.0.0.8", Authorization=basic(PASSWORD)) == 200


def test_next_minute_takes_the_right_password(wide, minute):
    for _ in range(11):
        wide.get(Authorization=basic("guess"))
    minute(59)
    assert wide.status(Authorization=basic(PASSWORD)) == 429
    minute(1)
    assert wide.status(Authorization=basic(PASSWORD)) == 200


@pytest.mark.usefixtures("minute")
def test_requests_without_a_password_and_right_ones_are_no_guesses(wide):
    for _ in range(20):
        assert wide.status() == 401
        assert wide.status(Authorization=basic(PASSWORD)) == 200
