"""The figures and their limits."""

from functools import partial

from cloud_openapi.catalogue import default_catalogue
from scripts.bench import database, documents
from scripts.bench.checking import checked_memory, checked_time
from scripts.bench.clients import (
    against_requests,
    against_wechatpy,
    gateway_against_https,
    in_process,
)
from scripts.bench.console import (
    first_page,
    first_page_size,
    heat_map,
    landing_page,
    list_time,
    looked_at,
)
from scripts.bench.contracts import (
    unused_plugin,
    used_plugin,
    validations,
    verified_memory,
    verified_time,
)
from scripts.bench.flatness import by_example, with_appids, with_journal, with_pins
from scripts.bench.functions import (
    Language,
    against_functions_framework,
    against_tcb_ff,
    cold_node,
    cold_python,
    overhead,
    overhead_against_functions_framework,
    worker_memory,
)
from scripts.bench.history import against_pool, known_time, many_apps, many_apps_memory
from scripts.bench.lasting import grown_memory
from scripts.bench.measuring import Figure, Limit, in_seconds, milliseconds, per_second
from scripts.bench.packing import packed_size, packing_time
from scripts.bench.reporting import stored_year
from scripts.bench.speed import against_flask, against_moto, against_prism, live_lines
from scripts.bench.starting import (
    SDK,
    completion,
    idle_memory,
    import_against_node,
    import_against_requests,
    processor_time,
    start_time,
)
from scripts.bench.storing import action_against_call, upload_memory
from scripts.bench.tokens import stored_token

_LARGE = {
    "analysis.getPerformanceData",
    "analysis.getUserPortrait",
    "analysis.getVisitDistribution",
    "analysis.getVisitPage",
}

_LANGUAGES: dict[Language, str] = {"python": "Python", "node": "Node.js"}
# In seconds, the unit of the measured value.
_A_MILLISECOND = Limit("<=", 0.001, " s")
# Limits in MiB: an interpreter, and a little more.
_WORKER_MEMORY: tuple[tuple[Language, str, int], ...] = (
    ("python", "Rss", 24),
    ("python", "Pss", 16),
    ("node", "Rss", 64),
    ("node", "Pss", 40),
)

# Operations of scripts/bench/document_work.py on 10,000 documents, and the limits in seconds.
_DOCUMENTS = {
    "get_by_id": 0.00005,
    "get_by_index": 0.0002,
    "where": 0.040,
    "sort": 0.070,
    "count": 0.040,
    "group": 0.050,
    "insert": 0.00005,
}

FIGURES = (
    Figure(
        "CPU of a call: ours, requests",
        Limit("<=", 0.65),
        milliseconds,
        against_requests,
    ),
    Figure(
        "CPU of a call: ours, wechatpy",
        Limit("<=", 0.65),
        milliseconds,
        against_wechatpy,
    ),
    Figure(
        "CPU of a call: through the gateway, over HTTPS",
        Limit("<=", 1.3),
        milliseconds,
        gateway_against_https,
    ),
    Figure(
        "new process: cloud initialised, import requests",
        Limit("<=", 1.1),
        in_seconds,
        import_against_requests,
    ),
    Figure(
        f"new process: cloud initialised, {SDK}",
        Limit("<=", 0.6),
        in_seconds,
        import_against_node,
    ),
    Figure(
        "CPU of cloud-openapi --help",
        Limit("<=", 0.12, " s"),
        in_seconds,
        processor_time,
    ),
    *(
        Figure(
            f"CPU of completing {line!r}",
            Limit("<=", 0.12, " s"),
            in_seconds,
            partial(completion, line=line),
        )
        for line in ("cloud-openapi inv", "cloud-openapi call ana", "cloud-openapi invoke ")
    ),
    Figure(
        "cloud-openapi serve, from start to first answered call",
        Limit("<=", 0.6, " s"),
        in_seconds,
        start_time,
    ),
    Figure(
        "cloud-openapi serve, memory after that call",
        Limit("<=", 60, " MiB"),
        "{:.1f} MiB".format,
        idle_memory,
    ),
    Figure(
        "calls of a documented day: emulator, bare Flask",
        Limit(">=", 0.75),
        per_second,
        against_flask,
    ),
    Figure(
        "calls of a documented day, 1 connection: emulator, bare Flask",
        Limit(">=", 0.95),
        per_second,
        partial(against_flask, connections=1),
    ),
    Figure(
        "calls of getVisitPage, 1 connection: emulator, bare Flask",
        Limit(">=", 0.85),
        per_second,
        partial(against_flask, api="analysis.getVisitPage", connections=1),
    ),
    *(
        Figure(
            f"calls of {name.partition('.')[2]}: emulator, bare Flask",
            Limit(">=", 0.6 if name in _LARGE else 0.75),
            per_second,
            partial(against_flask, api=name),
        )
        for name, outline in default_catalogue().outlines.items()
        if outline.simulated
    ),
    Figure(
        "calls: serve with live lines, --quiet",
        Limit(">=", 0.97),
        per_second,
        live_lines,
    ),
    Figure(
        "calls: while a page of the console shows them, else",
        Limit(">=", 0.95),
        per_second,
        looked_at,
    ),
    Figure(
        "console: first page of a new emulator in Chromium",
        Limit("<=", 0.15, " s"),
        milliseconds,
        first_page,
    ),
    Figure(
        "console: the same page later, the browser's cache empty",
        Limit("<=", 0.15, " s"),
        milliseconds,
        landing_page,
    ),
    Figure(
        "console: the same page with its scripts, compressed",
        Limit("<=", 60, " KB"),
        "{:.1f} KB".format,
        first_page_size,
    ),
    Figure(
        "console: CPU of the list of 10,000 requests",
        Limit("<=", 0.05, " s"),
        milliseconds,
        partial(list_time, size=10_000),
    ),
    Figure(
        "console: heat map of a year in Chromium",
        Limit("<=", 0.3, " s"),
        milliseconds,
        heat_map,
    ),
    Figure("calls: emulator, Prism", Limit(">=", 1), per_second, against_prism),
    Figure("calls: emulator, moto", Limit(">=", 6), per_second, against_moto),
    Figure(
        "time of a call: in the same process, over a socket",
        Limit("<=", 0.4),
        milliseconds,
        in_process,
    ),
    *(
        Figure(
            f"functions: Python, {connections} connections: ours, functions-framework",
            Limit(">=", 1),
            per_second,
            partial(against_functions_framework, connections=connections),
        )
        for connections in (1, 8)
    ),
    *(
        Figure(
            f"functions: Node.js, {connections} connections: ours, tcb-ff",
            Limit(">=", 0.5),
            per_second,
            partial(against_tcb_ff, connections=connections),
        )
        for connections in (1, 8)
    ),
    Figure(
        "functions: median overhead with a sleep of 20 ms, Python",
        _A_MILLISECOND,
        milliseconds,
        partial(overhead, language="python", seconds=0.02),
    ),
    Figure(
        "functions: the same: ours, functions-framework",
        Limit("<=", 1.15),
        milliseconds,
        partial(overhead_against_functions_framework, seconds=0.02),
    ),
    *(
        Figure(
            f"functions: median of an empty function, {name}",
            _A_MILLISECOND,
            milliseconds,
            partial(overhead, language=language),
        )
        for language, name in _LANGUAGES.items()
    ),
    Figure(
        "functions: cold start with requests, `import requests`",
        Limit("<=", 1.3),
        in_seconds,
        cold_python,
    ),
    Figure(
        f"functions: cold start with {SDK}, `require`",
        Limit("<=", 1.3),
        in_seconds,
        cold_node,
    ),
    *(
        Figure(
            f"functions: memory of a warm worker, {_LANGUAGES[language]}, {kind}",
            Limit("<=", limit, " MiB"),
            "{:.1f} MiB".format,
            partial(worker_memory, language=language, kind=kind),
        )
        for language, kind, limit in _WORKER_MEMORY
    ),
    *(
        Figure(
            f"CPU of a call: {count} appids, one",
            Limit("<=", 1.1),
            milliseconds,
            partial(with_appids, count=count),
        )
        for count in (100, 10_000)
    ),
    Figure(
        "CPU of a call: 100,000 entries in the journal, 10",
        Limit("<=", 1.1),
        milliseconds,
        partial(with_journal, size=100_000, other=10),
    ),
    Figure(
        "CPU of a call: 10,000 pins, 10",
        Limit("<=", 1.1),
        milliseconds,
        partial(with_pins, count=10_000, other=10),
    ),
    Figure(
        "CPU of a documented call: by example, a day",
        Limit("<=", 1.1),
        milliseconds,
        by_example,
    ),
    Figure(
        "validations of a retention answer: violations, jsonschema",
        Limit(">=", 0.85),
        per_second,
        validations,
    ),
    Figure(
        "token: from the file store",
        Limit("<=", 0.0002, " s"),
        milliseconds,
        partial(stored_token, kind="file"),
    ),
    Figure(
        "token: from Redis",
        _A_MILLISECOND,
        milliseconds,
        partial(stored_token, kind="redis"),
    ),
    Figure(
        "report of the retention of a year from a store",
        Limit("<=", 0.5, " s"),
        in_seconds,
        stored_year,
    ),
    Figure(
        "package: a function with the gateway, zipped",
        Limit("<=", 1.2, " MB"),
        "{:.2f} MB".format,
        packed_size,
    ),
    Figure(
        "package: its time",
        Limit("<=", 3, " s"),
        in_seconds,
        packing_time,
    ),
    *(
        Figure(
            f"history: 365 windows into {name}, a bare pool",
            Limit(">=", limit),
            per_second,
            partial(against_pool, database=database),
        )
        for database, name, limit in (
            ("sqlite", "SQLite", 0.95),
            ("postgresql", "PostgreSQL", 0.6),
        )
    ),
    Figure(
        "history: look at 10,220 windows that are complete",
        Limit("<=", 0.3, " s"),
        in_seconds,
        known_time,
    ),
    Figure(
        "CPU of a storage action, of a call by the gateway",
        Limit("<=", 1.5),
        milliseconds,
        action_against_call,
    ),
    Figure(
        "memory of an upload of 256 MiB",
        Limit("<=", 4, " MiB"),
        "{:.1f} MiB".format,
        upload_memory,
    ),
    Figure(
        "pytest plugin: a run that does not use it",
        Limit("<=", 0.02, " s"),
        milliseconds,
        unused_plugin,
    ),
    Figure(
        "pytest plugin: a test with `cloud`",
        Limit("<=", 0.01, " s"),
        milliseconds,
        used_plugin,
    ),
    Figure(
        "CPU of importing the database engine",
        Limit("<=", 0.060, " s"),
        milliseconds,
        partial(documents.imported, place=0),
    ),
    Figure(
        "memory of importing the database engine",
        Limit("<=", 6, " MiB"),
        "{:.1f} MiB".format,
        partial(documents.imported, place=1),
    ),
    *(
        Figure(
            f"CPU of the database engine, 10,000 documents: {name}",
            Limit("<=", seconds, " s"),
            milliseconds,
            partial(documents.figure, name=name),
        )
        for name, seconds in {**_DOCUMENTS, "reset": 0.005}.items()
    ),
    *(
        Figure(
            f"database engine, {name}: ours, {other}",
            Limit("<=", 0.5),
            milliseconds,
            partial(documents.compared, name=name, other=other),
        )
        for other in ("mongomock", "SecantusDB")
        for name in _DOCUMENTS
    ),
    *(
        Figure(
            f"CPU by the gateway: {name} of a document, a call of an API",
            Limit("<=", 1.5),
            milliseconds,
            partial(database.action, name=name),
        )
        for name in database.ACTIONS
    ),
    Figure(
        "reset of a database with 10,000 documents, and a read",
        Limit("<=", 0.005, " s"),
        milliseconds,
        database.reset,
    ),
    Figure(
        "update of a document that is kept on disk",
        Limit("<=", 0.001, " s"),
        milliseconds,
        database.kept_write,
    ),
    Figure(
        "memory of the database engine: 100,000 updates, none",
        Limit("<=", 1.05),
        "{:.1f} MiB".format,
        documents.grown,
    ),
)

LONG = (
    Figure(
        "history: 1,000 mini programs, 30 days",
        Limit(">=", 700, "/s"),
        per_second,
        many_apps,
    ),
    Figure(
        "the same: peak memory",
        Limit("<=", 80, " MiB"),
        "{:.1f} MiB".format,
        many_apps_memory,
    ),
    Figure(
        "check of 100 functions that load wx-server-sdk",
        Limit("<=", 20, " s"),
        in_seconds,
        checked_time,
    ),
    Figure(
        "the same: memory of all its processes",
        Limit("<=", 200, " MiB"),
        "{:.1f} MiB".format,
        checked_memory,
    ),
    Figure(
        "verify of 10,000 recordings",
        Limit("<=", 60, " s"),
        in_seconds,
        verified_time,
    ),
    Figure(
        "verify of 10,000 recordings, memory",
        Limit("<=", 200, " MiB"),
        "{:.1f} MiB".format,
        verified_memory,
    ),
    Figure(
        "memory: after a million calls, before",
        Limit("<=", 1.05),
        "{:.1f} MiB".format,
        grown_memory,
    ),
)
