"""The recorder writes complete files that VCR.py loads, even if it is killed."""

import json
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import requests
import vcr
from support.processes import WAIT
from vcr.persisters.filesystem import FilesystemPersister
from vcr.serializers import jsonserializer, yamlserializer

from cloud_openapi.recordings import Interaction, Recorder, RecordingError, load, write

PATH = "/datacube/getweanalysisappiddailyretaininfo"
URI = f"https://api.weixin.qq.com{PATH}?access_token=REDACTED"
JSON = {"Content-Type": ["application/json"]}
ANSWER = b'{"ref_date":"20170313","visit_uv_new":[],"visit_uv":[]}'
AT = datetime(2026, 3, 9, 8, tzinfo=timezone(timedelta(hours=8)))
SERIALIZERS = {".yaml": yamlserializer, ".json": jsonserializer}


def day(date="20170313", **changes):
    body = json.dumps({"begin_date": date, "end_date": date}).encode()
    made = Interaction(
        api="analysis.getDailyRetain",
        method="POST",
        uri=URI,
        request_headers=JSON,
        request_body=body,
        status=200,
        reason="OK",
        response_headers=JSON,
        response_body=ANSWER,
        recorded_at=AT,
        origin="here",
    )
    return made._replace(**changes)


def by_vcr(file):
    """Return the requests and the responses of a file as VCR.py reads them."""
    requests_, responses, *_ = FilesystemPersister.load_cassette(file, SERIALIZERS[file.suffix])
    return requests_, responses


@pytest.mark.parametrize("serializer", ["yaml", "json"])
def test_a_recorded_interaction_is_loaded_unchanged(tmp_path, serializer):
    file = Recorder(tmp_path, serializer=serializer).add(day())
    assert load(file) == [day()]


@pytest.mark.parametrize("name", ["a.yaml", "a.yml", "a.json"])
def test_vcr_replays_the_written_file(tmp_path, name):
    write(tmp_path / name, [day(), day("20170314", response_body='{"天":1}'.encode())])
    serializer = "json" if name.endswith("json") else "yaml"
    with vcr.VCR(serializer=serializer, record_mode="none").use_cassette(
        str(tmp_path / name), match_on=["method", "uri", "body"]
    ) as played:
        first = requests.post(URI, data=day().request_body, timeout=30)
        second = requests.post(URI, data=day("20170314").request_body, timeout=30)
    assert (first.status_code, first.reason, first.content) == (200, "OK", ANSWER)
    assert first.headers["Content-Type"] == "application/json"
    assert second.json() == {"天": 1}
    assert played.all_played


def test_a_body_that_is_not_text_is_kept_in_yaml_and_refused_in_json(tmp_path):
    binary = day(response_body=b"\xff\xfe\x00")
    file = Recorder(tmp_path).add(binary)
    assert load(file)[0].response_body == by_vcr(file)[1][0]["body"]["string"] == b"\xff\xfe\x00"
    with pytest.raises(RecordingError, match="record it as YAML"):
        Recorder(tmp_path, serializer="json").add(binary)


def test_a_cassette_rewritten_by_vcr_loses_only_our_keys(tmp_path):
    file = Recorder(tmp_path).add(day())
    requests_, responses = by_vcr(file)
    FilesystemPersister.save_cassette(
        tmp_path / "again.yaml", {"requests": requests_, "responses": responses}, yamlserializer
    )
    assert load(tmp_path / "again.yaml") == [day(recorded_at=None, origin=None)]


def test_files_are_named_by_api_and_dates(tmp_path):
    recorder = Recorder(tmp_path)
    files = [recorder.add(day()), recorder.add(day("20170314")), recorder.add(day())]
    assert [str(file.relative_to(tmp_path)) for file in files] == [
        "analysis.getDailyRetain/20170313-20170313.yaml",
        "analysis.getDailyRetain/20170314-20170314.yaml",
        "analysis.getDailyRetain/20170313-20170313_2.yaml",
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"request_body": b'{"begin_date":"../../x","end_date":"../../y"}'},
        {"uri": "https://api.weixin.qq.com/../../etc/passwd?x=../../y"},
        {"uri": "https://api.weixin.qq.com/" + "x/" * 999},
        {"uri": "https://api.weixin.qq.com"},
        {"request_body": b"\xff"},
        {"method": "GET"},
    ],
)
def test_the_file_of_any_request_is_in_the_folder(tmp_path, changes):
    folder = tmp_path / "in"
    file = Recorder(folder).add(day(**changes))
    assert file.resolve().is_relative_to(folder)
    assert load(file)[0].request_body == day(**changes).request_body


def test_another_recorder_replaces_the_recording_of_a_request(tmp_path):
    Recorder(tmp_path).add(day(response_body=b'{"errcode":61503}'))
    Recorder(tmp_path).add(day())
    assert load(tmp_path) == [day()]


def test_a_recorder_that_does_not_replace_writes_beside_the_former_files(tmp_path):
    first = Recorder(tmp_path).add(day())
    others = [Recorder(tmp_path, replaces=False).add(day(origin=str(n))) for n in range(2)]
    assert len({first, *others}) == 3
    assert load(first) == [day()]
    assert [load(each)[0].origin for each in others] == ["0", "1"]


def test_a_recorder_appends_to_one_file(tmp_path):
    file = tmp_path / "all.json"
    Recorder(file).add(day())
    recorder = Recorder(file)
    recorder.add(day("20170314"))
    recorder.add(day("20170315"))
    assert load(file) == [day(), day("20170314"), day("20170315")]
    assert len(by_vcr(file)[0]) == 3


@pytest.mark.parametrize("suffix", [".yaml", ".json"])
def test_an_empty_cassette_is_loaded(tmp_path, suffix):
    file = tmp_path / f"none{suffix}"
    write(file, [])
    assert load(file) == []
    assert by_vcr(file) == ([], [])


def test_a_file_that_is_not_a_cassette_is_not_overwritten(tmp_path):
    file = tmp_path / "all.json"
    file.write_text("mine", "utf-8")
    with pytest.raises(RecordingError, match="is not JSON"):
        Recorder(file)
    with pytest.raises(RecordingError, match="a cassette must end in"):
        write(tmp_path / "a.txt", [])
    assert file.read_text("utf-8") == "mine"


def test_a_failed_write_leaves_only_the_old_file(tmp_path, monkeypatch):
    recorder = Recorder(tmp_path)
    former = recorder.add(day()).read_bytes()

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        Recorder(tmp_path).add(day(response_body=b"{}"))
    assert [path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()] == [former]


def test_threads_may_share_a_recorder(tmp_path):
    recorder = Recorder(tmp_path / "all.yaml")
    dates = [f"2017{n:04d}" for n in range(100)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda date: recorder.add(day(date)), dates))
    assert sorted(one.request_json["begin_date"] for one in load(tmp_path)) == dates


# Each child writes until it is killed; a hundred of them cover every moment.
WRITERS = """
import os, random, signal, sys, time
from itertools import count
from cloud_openapi.recordings import Interaction, Recorder
URI = "https://api.weixin.qq.com/x"
def write(place, letter, times):
    recorder = Recorder(place)
    answer = b'{"n":"' + letter.encode() * 2000 + b'"}'
    for n in times:
        if n % 50 == 0 and not place.endswith(".json"):
            recorder = Recorder(place)
        body = b'{"begin_date":"%d"}' % (n % 50)
        recorder.add(
            Interaction(
                api=None, method="POST", uri=URI, request_headers={}, request_body=body,
                status=200, reason="OK", response_headers={}, response_body=answer,
            )
        )
def start(place, letter):
    ready, begins = os.pipe()
    pid = os.fork()
    if not pid:
        os.write(begins, b"x")
        write(place, letter, count())
    os.read(ready, 1)
    os.close(ready), os.close(begins)
    return pid
def stop(*pids):
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
# Import everything first, so that the children write immediately.
write(sys.argv[1] + "/first.yaml", "f", [1])
"""
KILL = (
    WRITERS
    + """
longest = 0.003
chance = random.Random(7)
for n in range(100):
    place = f"{sys.argv[1]}/{n}/"
    os.mkdir(place)
    child = start(place + sys.argv[2], "a")
    time.sleep(chance.uniform(0, longest))
    stop(child)
    # On any machine, about every other child is killed before its first file is complete.
    longest *= 0.8 if any(files for *_, files in os.walk(place)) else 1.25
"""
)
MIX = (
    WRITERS
    + """
children = [start(sys.argv[1], letter) for letter in "ab"]
print("ready", flush=True)
sys.stdin.read()
stop(*children)
"""
)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["folder", "all.json", "all.yaml"])
def test_a_recorder_killed_at_any_moment_leaves_only_complete_files(tmp_path, target):
    subprocess.run([sys.executable, "-c", KILL, tmp_path, target], check=True, timeout=60)
    found = load(tmp_path)
    assert len(found) > 20, len(found)
    assert {len(one.response_json["n"]) for one in found} == {2000}
    # Files that still have a temporary name are complete too.
    for file in filter(Path.is_file, tmp_path.rglob("*")):
        kind = re.search(r"\.(yaml|json)(\.\w+\.tmp)?$", file.name)
        assert SERIALIZERS[f".{kind[1]}"].deserialize(file.read_text())["interactions"]


def test_processes_that_write_the_same_files_do_not_mix(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", MIX, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writers:
        assert writers.stdout.readline() == b"ready\n"
        seen, ends = set(), time.monotonic() + WAIT
        while time.monotonic() < ends and len(seen) < 3:
            for found in load(tmp_path):
                letters = set(found.response_json["n"])
                assert len(letters) == 1
                seen |= letters
        writers.stdin.close()
    assert seen == {"a", "b", "f"}


def test_readers_see_complete_files_during_a_write(tmp_path):
    file, stop = tmp_path / "all.json", threading.Event()
    recorder = Recorder(file)
    recorder.add(day())

    def read():
        found = []
        while not stop.is_set():
            found.append(len(load(file)))
        return found

    with ThreadPoolExecutor(1) as pool:
        counts = pool.submit(read)
        for _ in range(50):
            recorder.add(day())
        stop.set()
    assert counts.result() == sorted(counts.result())


# ---- files ---------------------------------------------------------------------------------

PICTURE = b"\x89PNG\r\n\x1a\n\x00\xff token=abcdefghijkl012345\r\n--x\r\n\x85\xe2\x80\xa8"
PICTURE_TYPE = {"Content-Type": ["image/png"]}


def form(boundary, **parts):
    head = f"--{boundary}\r\nContent-Disposition: form-data; name="
    body = b"".join(
        f'{head}"{name}"{extra}\r\n\r\n'.encode() + value + b"\r\n"
        for name, (extra, value) in parts.items()
    )
    return body + f"--{boundary}--\r\n".encode()


FILE = '; filename="a.png"\r\nContent-Type: image/png'
SENT = form("xyz", media=(FILE, PICTURE), note=("", b"token=zyxwvutsrqpo543210"))


def test_a_file_is_written_as_vcr_writes_it_and_read_by_both_byte_for_byte(tmp_path):
    kind = {"Content-Type": ["multipart/form-data; boundary=xyz"]}
    sent = form("xyz", media=(FILE, PICTURE))
    picture = day(
        request_headers=kind,
        request_body=sent,
        response_headers=PICTURE_TYPE,
        response_body=PICTURE,
    )
    file = Recorder(tmp_path).add(picture)
    assert load(file) == [picture]
    assert load(file)[0].response_json is None
    (request,), (response,) = by_vcr(file)
    assert (request.body, response["body"]["string"]) == (sent, PICTURE)
    theirs = yamlserializer.serialize(
        {"version": 1, "interactions": yamlserializer.deserialize(file.read_text())["interactions"]}
    )
    assert "!!binary" in theirs
    (tmp_path / "theirs.yaml").write_text(theirs)
    assert load(tmp_path / "theirs.yaml") == [picture]


def test_an_image_is_kept_and_the_text_beside_it_is_redacted(tmp_path):
    written = Recorder(tmp_path).add(day(request_body=SENT, response_body=PICTURE))
    (found,) = load(written)
    assert found.response_body == PICTURE
    assert found.request_body == form("xyz", media=(FILE, PICTURE), note=("", b"token=REDACTED"))


@pytest.mark.parametrize(
    "body",
    [
        b"GIF89a token=abcdefghijkl012345",  # a text, whatever its first bytes are
        b"not an image\x00 token=abcdefghijkl012345",
        form("xyz", token=("", b"abcdefghijkl012345")),
        form("xyz", token=(FILE, PICTURE)),
    ],
)
def test_a_secret_in_other_bodies_is_redacted(tmp_path, body):
    (found,) = load(Recorder(tmp_path).add(day(request_body=body, response_body=body)))
    for kept in (found.request_body, found.response_body):
        assert b"abcdefghijkl012345" not in kept
        assert b"REDACTED" in kept


def test_a_secret_that_is_known_is_redacted_in_an_image_too(tmp_path):
    recorder = Recorder(tmp_path)
    recorder.redactor.give("abcdefghijkl012345")
    (found,) = load(recorder.add(day(response_body=PICTURE)))
    assert found.response_body == PICTURE.replace(b"abcdefghijkl012345", b"REDACTED")


def test_an_api_without_dates_has_a_file_for_each_request(tmp_path):
    path, names = "/wxa/media_check_async", []
    for number in "121":
        request = day(
            uri=f"https://api.weixin.qq.com{path}?access_token=REDACTED",
            request_body=b'{"media_url": "https://a/%s"}' % number.encode(),
        )
        names.append(Recorder(tmp_path).add(request))
    assert names[0] == names[2] != names[1]
    assert {name.parent for name in names} == {tmp_path / "security.mediaCheckAsync"}
