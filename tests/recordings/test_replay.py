"""Requests find their recordings; each kind of missing recording has its own error."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest

from cloud_openapi.recordings import (
    RULES,
    Interaction,
    NetworkBlockedError,
    NoMatchError,
    NoRecordingsError,
    Recorder,
    Redactor,
    Replay,
    ReplayError,
    UsedUpError,
    write,
)

PATH = "/datacube/getweanalysisappiddailyretaininfo"
URI = f"https://api.weixin.qq.com{PATH}"
NOON = datetime(2026, 3, 9, 12, tzinfo=timezone.utc)


def recorded(date="20260301", answer=None, **changes):
    body = json.dumps({"begin_date": date, "end_date": date}).encode()
    answer = json.dumps(answer or {"ref_date": date}).encode()
    made = Interaction(
        api="analysis.getDailyRetain",
        method="POST",
        uri=URI,
        request_headers={},
        request_body=body,
        status=200,
        reason="OK",
        response_headers={},
        response_body=answer,
    )
    return made._replace(**changes)


def asked(date="20260301", **more):
    return json.dumps({"end_date": date, "begin_date": date, **more}, indent=1).encode()


def test_a_request_finds_the_recording_with_equal_json():
    replay = Replay([recorded("20260301"), recorded("20260302")])
    found = replay.find("POST", PATH + "?access_token=mine", asked("20260302"))
    assert found.response_json == {"ref_date": "20260302"}


@pytest.mark.parametrize("uri", [PATH, URI, f"http://127.0.0.1:7070{PATH}"])
@pytest.mark.parametrize("query", ["", "?access_token=x", "?cloudbase_access_token=y&access_token"])
def test_host_and_token_do_not_matter(uri, query):
    assert Replay([recorded(uri=URI + "?access_token=REDACTED")]).find("post", uri + query, asked())


def test_a_secret_in_the_body_does_not_matter():
    body = b'{"appid":"***","secret":"<hidden>","grant_type":"client_credential"}'
    replay = Replay([recorded(uri="https://api.weixin.qq.com/x", request_body=body)])
    mine = b'{"grant_type":"client_credential","appid":"wx0123456789abcdef","secret":"s3cret"}'
    assert replay.find("POST", "/x", mine)


def test_the_order_of_a_query_does_not_matter_but_its_values_do():
    replay = Replay([recorded(uri=URI + "?a=1&b=2")], repeat=True)
    assert replay.find("POST", PATH + "?b=2&a=1", asked())
    with pytest.raises(NoMatchError, match=r'query\.b is "3", recorded is "2"'):
        replay.find("POST", PATH + "?b=3&a=1", asked())


def test_one_and_one_point_zero_are_equal_but_true_is_not():
    replay = Replay([recorded(request_body=b'{"n":1}')], repeat=True)
    assert replay.find("POST", PATH, b'{"n":1.0}')
    with pytest.raises(NoMatchError, match=r"body\.n is true, recorded is 1"):
        replay.find("POST", PATH, b'{"n":true}')


def test_each_recording_is_used_once_in_order_of_recording():
    late = recorded(answer={"n": 2}, recorded_at=NOON)
    early = recorded(answer={"n": 1}, recorded_at=NOON - timedelta(hours=1))
    replay = Replay([late, early])
    assert [replay.find("POST", PATH, asked()).response_json for _ in "12"] == [
        {"n": 1},
        {"n": 2},
    ]
    with pytest.raises(UsedUpError, match=r"are used up \(2 in the given list\)"):
        replay.find("POST", PATH, asked())


def test_repeat_reuses_the_last_recording_and_reset_starts_again():
    replay = Replay([recorded(answer={"n": 1}), recorded(answer={"n": 2})], repeat=True)
    answers = [replay.find("POST", PATH, asked()).response_json["n"] for _ in "123"]
    replay.reset()
    assert [*answers, replay.find("POST", PATH, asked()).response_json["n"]] == [1, 2, 2, 1]


def test_by_api_an_unknown_request_gets_a_recording_of_its_api():
    replay = Replay([recorded("20260301"), recorded("20260302")], by_api=True)
    dates = ["20260302", "20269999", "20269999"]
    assert replay.find("POST", PATH, asked(dates[0])).response_json["ref_date"] == "20260302"
    assert replay.find("POST", PATH, asked(dates[1])).response_json["ref_date"] == "20260301"
    with pytest.raises(UsedUpError):
        replay.find("POST", PATH, asked(dates[2]))


def test_unused_recordings_are_listed():
    replay = Replay([recorded("20260301"), recorded("20260302")])
    replay.find("POST", PATH, asked("20260302"))
    assert [one.request_json["begin_date"] for one in replay.unused()] == ["20260301"]


@pytest.mark.parametrize(
    ("method", "uri", "body", "words"),
    [
        (
            "POST",
            PATH,
            asked("20260309"),
            'In the nearest one, body.begin_date is "20260309", recorded is "20260301"; body.end',
        ),
        ("POST", PATH, asked(n=1), "In the nearest one, body.n is 1, recorded without it."),
        (
            "POST",
            PATH,
            b'{"begin_date":"20260301"}',
            'In the nearest one, body.end_date is missing, recorded is "20260301".',
        ),
        ("GET", PATH, asked(), "In the nearest one, the method is GET, recorded is POST."),
        ("POST", PATH, b"", "In the nearest one, body is empty, recorded is {"),
        (
            "POST",
            PATH + "?x=1",
            asked(),
            'In the nearest one, query.x is "1", recorded without it.',
        ),
        ("POST", PATH[:-1], asked(), f"No recording has this path. The nearest path is {PATH}."),
        ("POST", "/cgi-bin/token", b"", "No recording has this path."),
    ],
)
def test_the_error_describes_the_nearest_recording(method, uri, body, words):
    with pytest.raises(NoMatchError) as caught:
        Replay([recorded("20250101", uri=URI + "?far=1"), recorded()]).find(method, uri, body)
    path = uri.partition("?")[0]
    assert str(caught.value).startswith(f"No recording matches {method} {path}. {words}")


TOLD = b'{"openid":"oABCDEFGHIJKLM123"}'
MY_RULES = RULES._replace(names=RULES.names | {"shopname"})


@pytest.mark.parametrize(
    ("redactor", "uri", "body", "answer"),
    [
        (Redactor(["my-own-secret"]), URI, b'{"shop":"my-own-secret","n":1}', b"{}"),
        (Redactor(rules=MY_RULES), URI, b'{"shopname":"mine","n":1}', b"{}"),
        (Redactor(rules=MY_RULES), URI, b'{"shopname":{"a":1},"n":1}', b"{}"),
        (Redactor(), URI, b'{"touser":"oABCDEFGHIJKLM123","n":1}', TOLD),
        (Redactor(), URI + "?access_token=abcdefghijk", b'{"x":"see abcdefghijk","n":1}', b"{}"),
        (Redactor(["my-own-secret"]), URI + "?shop=my-own-secret", b"n=1", b"{}"),
        (Redactor(["my-own-secret"]), URI, b"<x>my-own-secret</x>", b"{}"),
    ],
    ids=["given", "rule", "object", "by the answer", "by the address", "query", "no JSON"],
)
def test_a_request_finds_its_redacted_recording(tmp_path, redactor, uri, body, answer):
    made = recorded(uri=uri, request_body=body, response_body=answer)
    Recorder(tmp_path, redactor=redactor).add(made)
    replay = Replay.load(tmp_path, repeat=True)
    assert replay.find("POST", uri, body).response_body
    # Other fields are still compared, and the error shows no masked value.
    with pytest.raises(NoMatchError) as caught:
        replay.find("POST", uri, body + b" " if b"{" not in body else body.replace(b"1}", b"2}"))
    assert not any(secret in str(caught.value) for secret in ("my-own-secret", "mine", "oABC"))


def test_no_error_shows_a_secret():
    with pytest.raises(NoMatchError) as caught:
        Replay([recorded()]).find(
            "POST", PATH + "?access_token=canary-1", b'{"secret":"canary-2","x":"token=canary-3"}'
        )
    assert "canary" not in str(caught.value)


def test_missing_recordings_are_an_error_with_the_place(tmp_path):
    for place in (tmp_path, tmp_path / "missing"):
        with pytest.raises(NoRecordingsError, match=f"There are no recordings in {place}\\. "):
            Replay.load(place)
    write(tmp_path / "none.yaml", [])
    with pytest.raises(NoRecordingsError):
        Replay.load(tmp_path).find("POST", PATH)


def test_a_request_to_an_unknown_host_is_blocked():
    replay = Replay([recorded()])
    with pytest.raises(NetworkBlockedError, match=r"GET /a was not sent to example\.com"):
        replay.find("GET", "https://example.com/a?secret=x")
    with pytest.raises(NoMatchError):
        replay.find("GET", "https://api.weixin.qq.com/a")


def test_the_four_errors_are_replay_errors():
    kinds = {NoRecordingsError, NoMatchError, UsedUpError, NetworkBlockedError}
    assert set(ReplayError.__subclasses__()) == kinds


def test_threads_get_each_recording_once():
    replay = Replay(recorded(answer={"n": n}) for n in range(400))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: replay.find("POST", PATH, asked()), range(400)))
    assert sorted(one.response_json["n"] for one in found) == list(range(400))


def test_a_folder_is_replayed(tmp_path):
    recorder = Recorder(tmp_path)
    for date in ("20260301", "20260302"):
        recorder.add(recorded(date))
    replay = Replay.load(tmp_path)
    assert len(replay) == 2
    assert replay.find("POST", PATH, asked("20260302")).response_json["ref_date"] == "20260302"


# ---- forms and queries ---------------------------------------------------------------------


def form(boundary, content, filename="a.png", note="n"):
    return (
        f'--{boundary}\r\nContent-Disposition: form-data; name="media"; filename="{filename}"\r\n'
        "Content-Type: image/png\r\n\r\n"
    ).encode() + (
        content
        + f'\r\n--{boundary}\r\nContent-Disposition: form-data; name="note"\r\n\r\n'
        f"{note}\r\n--{boundary}--\r\n".encode()
    )


PICTURE = b"\x89PNG\r\n\x1a\n\x00\xff"


def test_a_form_matches_whatever_its_boundary_and_the_type_of_its_file_are():
    replay = Replay([recorded(request_body=form("one", PICTURE))], repeat=True)
    other = form("----Two'()", PICTURE).replace(b"Content-Type: image/png\r\n", b"")
    assert replay.find("POST", PATH, other)


@pytest.mark.parametrize(
    ("sent", "difference"),
    [
        (form("b", PICTURE + b"\x00"), "body.form.media.size is 11, recorded is 10"),
        (form("b", PICTURE, "b.png"), 'body.form.media.filename is "b.png", recorded is "a.png"'),
        (form("b", PICTURE, note="m"), 'body.form.note is "m", recorded is "n"'),
        (form("b", PICTURE)[:-8], "body is "),
    ],
)
def test_a_form_that_differs_is_another_request(sent, difference):
    replay = Replay([recorded(request_body=form("one", PICTURE))])
    with pytest.raises(NoMatchError, match=re.escape(difference)):
        replay.find("POST", PATH, sent)


def test_a_redacted_part_of_a_form_matches_any_text():
    replay = Replay([recorded(request_body=form("one", PICTURE, note="key is REDACTED"))])
    assert replay.find("POST", PATH, form("two", PICTURE, note="key is abc"))


def test_a_get_request_matches_by_its_query_without_the_token():
    uri = f"{URI}?access_token=REDACTED&roomId=7&key=a+b"
    replay = Replay([recorded(method="GET", uri=uri, request_body=b"")], repeat=True)
    assert replay.find("GET", f"{PATH}?key=a%20b&roomId=7&access_token=mine")
    with pytest.raises(NoMatchError, match=r'query\.roomId is "8", recorded is "7"'):
        replay.find("GET", f"{PATH}?roomId=8&key=a+b")
