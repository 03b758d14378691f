"""HAR files as browsers and proxies write them."""

import json

PATH = "/datacube/getweanalysisappiddailyretaininfo"
URI = f"https://api.weixin.qq.com{PATH}"
ANSWER = '{"ref_date":"20170313","visit_uv_new":[],"visit_uv":[]}'


def entry(url=URI, **changes):
    """Return an entry as browsers write it."""
    made = {
        "startedDateTime": "2026-03-09T08:00:00.123Z",
        "time": 50,
        "request": {
            "method": "POST",
            "url": url,
            "httpVersion": "h2",
            "headers": [
                {"name": ":authority", "value": "api.weixin.qq.com"},
                {"name": "content-type", "value": "application/json"},
            ],
            "queryString": [],
            "cookies": [],
            "postData": {"mimeType": "application/json", "text": '{"begin_date":"20170313"}'},
        },
        "response": {
            "status": 200,
            "statusText": "OK",
            "headers": [{"name": "content-encoding", "value": "gzip"}],
            "content": {"size": 55, "mimeType": "application/json", "text": ANSWER},
        },
    }
    for key, value in changes.items():
        *parents, last = key.split("__")
        place = made
        for parent in parents:
            place = place[parent]
        place[last] = value
    return made


def har(tmp_path, *entries):
    file = tmp_path / "traffic.har"
    document = {"log": {"version": "1.2", "creator": {"name": "x"}, "entries": list(entries)}}
    file.write_text(json.dumps(document), "utf-8")
    return file
