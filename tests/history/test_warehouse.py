"""The source of dlt's loads a store into a warehouse, and each run what is new."""

import pytest
from support.history import World

from cloud_openapi.history import dlt_source

DAILY, TREND, PAGES = (
    f"analysis.{name}" for name in ("getDailyRetain", "getDailyVisitTrend", "getVisitPage")
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # of dlt's own code
]


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    """Return a function that loads a store into SQLite, and gives the rows of a query."""
    dlt = pytest.importorskip("dlt", reason="the package dlt is missing")
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))
    monkeypatch.setenv("RUNTIME__LOG_LEVEL", "ERROR")
    monkeypatch.chdir(tmp_path)
    target = dlt.destinations.sqlalchemy(f"sqlite:///{tmp_path}/warehouse.db")
    pipeline = dlt.pipeline("test", destination=target, dataset_name="wechat")

    def loaded(store, query):
        info = pipeline.run(dlt_source([DAILY, TREND, PAGES], store))
        info.raise_on_failed_jobs()
        assert dlt.config["runtime.dlthub_telemetry"] is False
        with pipeline.sql_client() as client:
            return [tuple(row) for row in client.execute_sql(query)]

    return loaded


def test_a_run_loads_new_windows_and_replaces_those_that_got_a_key(tmp_path, loaded):
    world = World(tmp_path)
    keys = "SELECT ref_date, visit_uv_0, visit_uv_1 FROM get_daily_retain ORDER BY ref_date"
    world.sync([DAILY, TREND, PAGES], begin="20260309")
    first = loaded(world.url, keys)
    assert [(ref, zero is None, one is None) for ref, zero, one in first] == [
        ("20260309", False, False),
        ("20260310", False, True),
    ]
    world.at("2026-03-12T12:00")
    world.sync([DAILY, TREND, PAGES], begin="20260309")
    second = loaded(world.url, keys)
    assert [(ref, one is None) for ref, _, one in second] == [
        ("20260309", False),
        ("20260310", False),
        ("20260311", True),
    ]
    (trend,) = loaded(world.url, "SELECT count(*), min(session_cnt) FROM get_daily_visit_trend")
    assert trend[0] == 3
    assert trend[1] > 0
    (pages,) = loaded(world.url, "SELECT count(*), min(answer) FROM get_visit_page")
    assert pages[0] == 3
    assert '"page_path"' in pages[1]
