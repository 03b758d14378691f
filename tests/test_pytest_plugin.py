"""The pytest plugin, tested by suites that use it."""

import json
import os
import re
import subprocess
import sys
import venv

import pytest
import yaml  # noqa: F401 - as below
from support.cassettes import cassette, interaction
from support.paths import ROOT, TESTS, WITHOUT_OTHERS
from support.service import RECORDED

# Imported here, since pytester would import it a second time.
import cloud_openapi.pytest_plugin  # noqa: F401

pytest_plugins = ["pytester"]

PROJECT = TESTS / "project"
CONFIG = {"permissions": {"openapi": ["analysis.getDailyRetain"]}}
ALONE = ("-p", "no:cacheprovider", *WITHOUT_OTHERS.split())
RETAIN = 'cloud.openapi.analysis.getDailyRetain(beginDate="20260301", endDate="20260301")'


@pytest.fixture
def project(pytester, monkeypatch):
    """Return a project with a config.json and no functions."""
    monkeypatch.setenv("PYTEST_ADDOPTS", WITHOUT_OTHERS)
    (pytester.path / "config.json").write_text(json.dumps(CONFIG))
    return pytester


def run(project, source, *options):
    project.makepyfile(source)
    return project.runpytest_inprocess("-p", "no:cacheprovider", *options)


def passes(project, source, count, *options):
    run(project, source, *options).assert_outcomes(passed=count)


def add_function(project, name, source):
    folder = project.path / "functions" / name
    folder.mkdir(parents=True)
    (folder / "index.py").write_text(source)
    (folder / "config.json").write_text(json.dumps(CONFIG))


# ---- APIs of every kind --------------------------------------------------------------------

EVERY_KIND = """
    import pytest
    from cloud_openapi import CloudSDKError

    PNG = b"\\x89PNG\\r\\n\\x1a\\n"
    FILE = {"contentType": "image/png", "base64": "iVBORw0KGgo="}
    CODE = {"path": "pages/index"}

    def test_file_of_an_answer(cloud, cloud_emulator, assert_contract):
        made = cloud.openapi.wxacode.get(CODE)
        assert made["buffer"].startswith(PNG)
        assert_contract(made, "wxacode.get")
        assert_contract(made["buffer"], "wxacode.get", "https")
        (entry,) = cloud_emulator.journal(api="wxacode.get")
        assert (entry["errcode"], entry["path"]) == (0, "/wxa/getwxacode")

    def test_pinned_file(cloud, cloud_emulator):
        cloud_emulator.pins.add({"api": "wxacode.get", "response": FILE})
        assert cloud.openapi.wxacode.get(CODE)["buffer"] == PNG
        assert "-> 0, pin 1" in cloud_emulator.transcript()

    def test_file_of_a_request(cloud, cloud_emulator, assert_contract):
        request = {"media": {"contentType": "image/png", "value": PNG}}
        assert_contract(request, "security.imgSecCheck", "cloud", "request")
        assert cloud.openapi.security.imgSecCheck(request)["errMsg"].endswith(":ok")
        (entry,) = cloud_emulator.journal(api="security.imgSecCheck")
        assert "iVBORw0KGgo=" in entry["body"]

    @pytest.mark.cloud_openapi(
        pins=[{"api": "subscribeMessage.send", "response": {"errcode": 43101}}]
    )
    def test_pinned_error_of_an_api(cloud):
        with pytest.raises(CloudSDKError, match="user refuse to accept the msg"):
            cloud.openapi.subscribeMessage.send(touser="o", templateId="t", data={})

    @pytest.mark.cloud_openapi(
        faults=[{"kind": "error", "errcode": 43101, "api": "subscribeMessage.send"}]
    )
    def test_fault_of_an_api(cloud):
        with pytest.raises(CloudSDKError, match="user refuse to accept the msg"):
            cloud.openapi.subscribeMessage.send(touser="o", templateId="t", data={})
"""


def test_fixtures_and_markers_know_apis_of_every_kind(project):
    apis = ["wxacode.get", "security.imgSecCheck", "subscribeMessage.send"]
    config = {"permissions": {"openapi": apis}}
    (project.path / "config.json").write_text(json.dumps(config))
    passes(project, EVERY_KIND, 5)


# ---- the emulator of a test ----------------------------------------------------------------


def test_the_emulator_is_reset_for_each_test(project):
    source = f"""
        import pytest
        seen = []
        @pytest.mark.parametrize("number", range(3))
        def test_it(number, cloud_emulator, cloud):
            assert not cloud_emulator.faults.listed() and not len(cloud_emulator.pins)
            assert cloud_emulator.journal() == [] and cloud_emulator.emulator.seed == 0
            assert cloud_emulator.appid not in seen
            seen.append(cloud_emulator.appid)
            assert {RETAIN}["refDate"] == "20260301"
            cloud_emulator.faults.add({{"kind": "empty"}})
            pin = {{"api": "analysis.getDailyRetain", "response": {{"errcode": -1}}}}
            cloud_emulator.pins.add(pin)
            cloud_emulator.emulator.reseed(number + 7)
            cloud_emulator.clock.freeze()
    """
    passes(project, source, 3)


@pytest.mark.slow
def test_forked_children_call_and_invoke(project):
    add_function(
        project,
        "echo",
        "from cloud_openapi import cloud\ncloud.init()\n"
        "def main(event, context):\n"
        "    return cloud.openapi.analysis.getDailyRetain(event)['refDate']\n",
    )
    source = """
        from support.processes import in_children
        def test_it(cloud_emulator, cloud):
            def work(number):
                days = [f"202601{4 * number + day:02}" for day in range(1, 5)]
                asked = [{"beginDate": day, "endDate": day} for day in days]
                call = cloud.openapi.analysis.getDailyRetain
                assert [call(one)["refDate"] for one in asked] == days
                assert [cloud_emulator.invoke("echo", one) for one in asked] == days
            work(0)
            in_children(4, work)
            work(0)
    """
    passes(project, source, 1)


def test_the_numbers_of_a_test_do_not_depend_on_the_order(project):
    source = f"""
        import pathlib
        def keep(name, cloud):
            with pathlib.Path(name).open("a") as file:
                file.write(repr({RETAIN}))
        def test_a(cloud): keep("a", cloud)
        def test_b(cloud): keep("b", cloud)
    """
    passes(project, source, 2)
    first = [(project.path / name).read_text() for name in "ab"]
    file = "test_the_numbers_of_a_test_do_not_depend_on_the_order.py"
    result = project.runpytest_inprocess(f"{file}::test_b", f"{file}::test_a")
    result.assert_outcomes(passed=2)
    again = [(project.path / name).read_text() for name in "ab"]
    assert again == [text * 2 for text in first]
    assert first[0] != first[1]


def test_another_program_may_call_the_emulator_over_a_socket(project):
    source = """
        import os, subprocess, sys
        CODE = '''
        from cloud_openapi import cloud
        cloud.init()
        print(cloud.openapi.analysis.getDailyRetain(beginDate="20170313", endDate="20170313"))
        '''
        def test_it(cloud_emulator):
            code = "\\n".join(line.strip() for line in CODE.splitlines())
            variables = {**os.environ, **cloud_emulator.variables}
            out = subprocess.check_output([sys.executable, "-c", code], env=variables, text=True)
            assert "55500" in out
            assert {entry["appid"] for entry in cloud_emulator.journal()} == {cloud_emulator.appid}
    """
    passes(project, source, 1)


@pytest.mark.slow
def test_workers_of_xdist_do_not_disturb_each_other(project):
    source = f"""
        import pytest
        @pytest.mark.parametrize("number", range(12))
        def test_it(number, cloud_emulator, cloud):
            cloud_emulator.faults.add({{"kind": "error", "errcode": 61504, "times": 1}})
            for _ in range(3):
                try:
                    {RETAIN}
                except Exception:
                    pass
            assert len(cloud_emulator.journal(errcode=61504)) == 1
            appids = [entry["appid"] for entry in cloud_emulator.journal()]
            assert set(appids) == {{cloud_emulator.appid}}
    """
    project.makepyfile(source)
    result = project.runpytest_subprocess("-n", "2", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=12)


def test_the_fixtures_work_in_a_forked_child(project):
    add_function(
        project,
        "retain",
        "from cloud_openapi import cloud\n"
        f"def main(event, context):\n    cloud.init()\n    return {RETAIN}['refDate']\n",
    )
    source = f"""
        import multiprocessing
        def test_it(cloud, cloud_emulator, invoke_function):
            def results():
                return invoke_function("retain"), {RETAIN}["refDate"], len(cloud_emulator.journal())
            here = results()
            fork = multiprocessing.get_context("fork")
            queue = fork.SimpleQueue()
            child = fork.Process(target=lambda: queue.put((cloud_emulator.url, results())))
            child.start()
            url, there = queue.get()
            child.join()
            assert url != cloud_emulator.url
            assert here[:2] == there[:2] == ("20260301", "20260301")
            assert there[2] == here[2] + 2  # its token is the parent's
            assert len(cloud_emulator.journal()) == here[2]
            assert results()[:2] == here[:2]
    """
    passes(project, source, 1)


@pytest.mark.parametrize("freeze", ["freezegun.freeze_time", "time_machine.travel"])
@pytest.mark.slow
def test_the_emulator_follows_a_frozen_date_unless_the_marker_sets_it(project, freeze):
    add_function(
        project,
        "retain",
        """
        from cloud_openapi import cloud, newest_dates
        def main(event, context):
            cloud.init()
            return cloud.openapi.analysis.getDailyRetain(newest_dates("day"))["refDate"]
        """.replace("\n        ", "\n"),
    )
    source = f"""
        import {freeze.partition(".")[0]}
        import pytest
        from cloud_openapi import newest_dates

        def test_the_date_is_frozen(cloud, invoke_function):
            with {freeze}("2020-01-15 12:00:00"):
                assert invoke_function("retain") == "20200114"
                answer = cloud.openapi.analysis.getDailyRetain(newest_dates("day"))
                assert answer["refDate"] == "20200114"

        @pytest.mark.cloud_openapi(now="2026-03-11T10:00")
        def test_the_marker_is_stronger(invoke_function):
            with {freeze}("2020-01-15 12:00:00"):
                assert invoke_function("retain") == "20260310"
    """
    passes(project, source, 2)


# ---- the marker ----------------------------------------------------------------------------


def test_the_marker_sets_time_seed_faults_and_pins(project):
    source = f"""
        import pytest
        from cloud_openapi import newest_dates
        PIN = {{"ref_date": "20260301", "visit_uv_new": [], "visit_uv": [{{"key": 0, "value": 7}}]}}
        @pytest.mark.cloud_openapi(now="2026-03-11T10:00", seed=5)
        class TestIt:
            @pytest.mark.cloud_openapi(
                faults=[{{"kind": "latency", "seconds": 0.0}}],
                pins=[{{"api": "analysis.getDailyRetain", "response": PIN}}],
            )
            def test_all_of_it(self, cloud, cloud_emulator):
                assert cloud_emulator.clock.now().isoformat() == "2026-03-11T10:00:00+08:00"
                assert cloud_emulator.emulator.seed == 5
                assert [fault.kind for fault in cloud_emulator.faults.listed()] == ["latency"]
                assert {RETAIN}["visitUv"] == [{{"key": 0, "value": 7}}]
                assert newest_dates("day")["endDate"] == "20260310"
    """
    passes(project, source, 1)


def test_the_marker_lets_functions_see_the_emulators_time(project):
    today = "from datetime import date\ndef main(e, c):\n    return date.today().year\n"
    add_function(project, "year", today)
    source = """
        import pytest
        @pytest.mark.cloud_openapi(now="2019-03-11T10:00")
        class TestTime:
            def test_machine(self, invoke_function): assert invoke_function("year") > 2019
            @pytest.mark.cloud_openapi(function_time="emulator")
            def test_emulator(self, cloud_emulator, invoke_function):
                assert invoke_function("year") == 2019
                cloud_emulator.clock.advance(365 * 24 * 60 * 60)
                assert invoke_function("year") == 2020
            def test_machine_again(self, invoke_function): assert invoke_function("year") > 2020
    """
    passes(project, source, 3)


def test_another_function_time_is_an_error_that_lists_the_two(project):
    source = """
        import pytest
        @pytest.mark.cloud_openapi(function_time="mine")
        def test_it(cloud_emulator): pass
    """
    result = run(project, source)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines("*function_time is machine or emulator*")


def test_an_unknown_keyword_of_the_marker_is_an_error_that_lists_the_known_ones(project):
    source = """
        import pytest
        @pytest.mark.cloud_openapi(nwo="2026-03-11")
        def test_it(cloud): pass
    """
    result = run(project, source)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        "*takes the keywords now, seed, faults, pins, recording, function_time*"
    )


@pytest.mark.parametrize("now", ["2026-13-01", "yesterday", "", 20260311])
def test_a_time_of_the_marker_that_is_none_is_an_error_that_names_it(project, now):
    source = f"""
        import pytest
        @pytest.mark.cloud_openapi(now={now!r})
        def test_it(cloud): pass
    """
    result = run(project, source)
    result.assert_outcomes(errors=1)
    line = f"*::test_it: now is a time such as '2026-03-11T10:00', not {now!r}"
    result.stdout.fnmatch_lines(line)


def test_the_marker_is_known_and_needs_no_registration(project):
    source = """
        import pytest
        @pytest.mark.cloud_openapi(now="2026-03-11")
        def test_it(): pass
    """
    passes(project, source, 1, "--strict-markers")


# ---- failures ------------------------------------------------------------------------------


def test_a_failing_test_shows_the_journal(project):
    source = f"""
        def test_it(cloud):
            {RETAIN}
            assert False
        def test_other(cloud_emulator): assert False
        def test_fine(cloud): {RETAIN}
    """
    result = run(project, source)
    result.assert_outcomes(failed=2, passed=1)
    text = result.stdout.str()
    assert text.count("Journal of cloud_openapi's emulator") == 2
    asked = '{"begin_date":"20260301","end_date":"20260301"} -> 0, simulation'
    assert text.count(f"https   analysis.getDailyRetain {asked}") == 1
    assert text.count("There were no requests.") == 1


def test_no_secret_and_no_token_is_shown(project):
    source = f"""
        import pathlib
        def test_it(cloud, cloud_emulator):
            {RETAIN}
            pathlib.Path("secrets").write_text(cloud_emulator.secret)
            assert False
    """
    result = run(project, source)
    secret = (project.path / "secrets").read_text()
    assert len(secret) > 10
    assert secret not in result.stdout.str()
    assert "emulator_" not in result.stdout.str()


# ---- functions -----------------------------------------------------------------------------


def test_a_function_calls_with_the_tests_own_appid(project):
    source = (PROJECT / "functions" / "getDailyRetain" / "index.py").read_text()
    add_function(project, "retain", source)
    test = """
        import pytest
        @pytest.mark.cloud_openapi(now="2026-03-11T10:00")
        def test_it(invoke_function, cloud_emulator, cloud):
            result = invoke_function("retain", {"beginDate": "20260301", "endDate": "20260301"})
            (entry,) = cloud_emulator.journal()
            assert (entry["appid"], entry["function"]) == (cloud_emulator.appid, "retain")
            mine = cloud.openapi.analysis.getDailyRetain(beginDate="20260301", endDate="20260301")
            del mine["errMsg"], result["errMsg"]
            assert result == mine
            assert invoke_function("retain")["refDate"] == "20260310"
    """
    passes(project, test, 1)


def test_a_function_that_raises_fails_the_test_with_its_error_and_its_log(project):
    add_function(project, "bad", "def main(event, context):\n    print('seen')\n    return 1 / 0\n")
    result = run(project, 'def test_it(invoke_function): invoke_function("bad")')
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*FunctionFailedError: bad:*division by zero*", "*seen*"])


def test_the_error_of_a_function_begins_with_the_reason(project):
    add_function(project, "other", "def main_handler(event, context):\n    return 1\n")
    result = run(project, 'def test_it(invoke_function): invoke_function("other")')
    result.stdout.fnmatch_lines(
        ["*FunctionFailedError: other: *index.py has no function main*: {*"]
    )


def test_a_reason_has_no_command_to_the_emulator_that_has_ended(project):
    source = (
        "from cloud_openapi import cloud\ncloud.init()\n"
        "def main(event, context):\n    return cloud.database().collection('none').get()\n"
    )
    add_function(project, "reads", source)
    result = run(project, 'def test_it(invoke_function): invoke_function("reads")')
    result.stdout.fnmatch_lines(["*database/collections.json beside the functions: {*"])


def test_a_file_in_place_of_the_folder_storage_is_the_reason_of_a_missing_file(project):
    source = (
        "from cloud_openapi import cloud\ncloud.init()\n"
        "def main(event, context):\n"
        "    return cloud.downloadFile(fileID='cloud://local.local/a.png')\n"
    )
    add_function(project, "reads", source)
    (project.path / "storage").touch()
    result = run(project, 'def test_it(invoke_function): invoke_function("reads")')
    result.stdout.fnmatch_lines(
        ["*no file a.png: *storage cannot be read: Not a directory; correct it and start again: {*"]
    )


def test_an_unknown_function_is_an_error_that_lists_the_known_ones(project):
    add_function(project, "there", "def main(event, context): return 1\n")
    result = run(project, 'def test_it(invoke_function): invoke_function("here")')
    result.stdout.fnmatch_lines("*There is no function 'here' in *functions: there*")


def test_an_invalid_source_is_refused_with_its_value(project):
    add_function(project, "there", "def main(event, context): return 1\n")
    test = """
        import pytest
        def test_it(invoke_function):
            with pytest.raises(ValueError, match="'wx trigger': must be wx_client"):
                invoke_function("there", source="wx trigger")
    """
    passes(project, test, 1)


@pytest.mark.parametrize("by", ["option", "ini"])
def test_the_folder_of_the_functions_is_named_by_option_or_ini(project, by):
    add_function(project, "one", "def main(event, context): return {**event, 'n': 1}\n")
    (project.path / "functions").rename(project.path / "elsewhere")
    options = ("--cloud-functions", "elsewhere") if by == "option" else ()
    if by == "ini":
        project.makeini("[pytest]\ncloud_openapi_functions = elsewhere\n")
    test = """
        def test_it(invoke_function):
            assert invoke_function("one", {}, source="wx_http") == {"n": 1}
    """
    passes(project, test, 1, *options)


def test_the_config_json_of_the_project_decides_what_the_facade_may_call(project):
    (project.path / "config.json").write_text('{"permissions": {"openapi": []}}')
    source = f"""
        import pytest
        def test_it(cloud):
            with pytest.raises(Exception, match="-604101"):
                {RETAIN}
    """
    passes(project, source, 1)


# ---- recordings ----------------------------------------------------------------------------

RECORDED_TEST = f"""
    def test_it(recording, cloud):
        assert {RETAIN}["visitUv"][0]["value"] == 434343
"""


def test_a_missing_recording_fails_with_advice_on_making_one(project):
    result = run(project, RECORDED_TEST)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        "*NO_RECORDINGS: There are no recordings in *test_it.yaml*with `pytest --record`*"
    )


def test_a_recording_is_replayed_without_the_service(
    project,
    service,
    monkeypatch,
):
    monkeypatch.setenv("CLOUD_OPENAPI_UPSTREAM", service.url)
    passes(project, RECORDED_TEST, 1, "--record")
    asked = len(service.asked)
    passes(project, RECORDED_TEST, 1, "--record")
    assert len(service.asked) == asked * 2
    monkeypatch.delenv("CLOUD_OPENAPI_UPSTREAM")
    passes(project, RECORDED_TEST, 1)
    assert len(service.asked) == asked * 2
    (file,) = (project.path / "recordings").rglob("*.yaml")
    assert (file.parent.name, file.name) == (
        "test_a_recording_is_replayed_without_the_service",
        "test_it.yaml",
    )
    assert file.read_text().count("- request:") == 1


LONG = "数" * 80
SAME_NAMES = f"""
    import pytest
    class TestA:
        def test_same(self, recording, cloud):
            assert {RETAIN}["visitUv"][0]["value"] == 434343
        class TestInner:
            def test_same(self, recording, cloud):
                assert {RETAIN}["visitUv"][0]["value"] == 434343
    class TestB:
        def test_same(self, recording, cloud):
            assert {RETAIN}["visitUv"][0]["value"] == 434343
    @pytest.mark.parametrize("day", ["a/b", "a-b", "a b", "a", "{"x" * 300}"])
    def test_same(day, recording, cloud):
        assert {RETAIN}["visitUv"][0]["value"] == 434343
    def test_{LONG}(recording, cloud):
        assert {RETAIN}["visitUv"][0]["value"] == 434343
"""


def test_each_test_has_a_recording_of_its_own(project, service, monkeypatch):
    monkeypatch.setenv("CLOUD_OPENAPI_UPSTREAM", service.url)
    passes(project, SAME_NAMES, 9, "--record")
    names = sorted(path.stem for path in (project.path / "recordings").rglob("*.yaml"))
    assert len(names) == 9
    assert {"TestA.test_same", "TestB.test_same", "TestA.TestInner.test_same"} < set(names)
    assert {"test_same[a]", "test_same[a-b]"} < set(names)
    assert max(len(name.encode()) for name in names) < 200
    monkeypatch.delenv("CLOUD_OPENAPI_UPSTREAM")
    passes(project, SAME_NAMES, 9)


def test_names_that_differ_in_case_have_files_that_differ_otherwise(project, service, monkeypatch):
    monkeypatch.setenv("CLOUD_OPENAPI_UPSTREAM", service.url)
    source = f"""
        import pytest
        @pytest.mark.parametrize("day", ["a", "A"])
        def test_it(day, recording, cloud):
            assert {RETAIN}["visitUv"][0]["value"] == 434343
    """
    passes(project, source, 2, "--record")
    names = {path.stem.lower() for path in (project.path / "recordings").rglob("*.yaml")}
    assert len(names) == 2


BLOCKS = """
    import pytest
    class Block(pytest.Collector):
        def collect(self):
            yield pytest.Function.from_parent(self, name="test_it", callobj=lambda: None)
    def pytest_pycollect_makeitem(collector, name, obj):
        if name.startswith("describe_"):
            return Block.from_parent(collector, name=name)
    def pytest_collection_modifyitems(items):
        from cloud_openapi.pytest_plugin import cassette_name
        names = [cassette_name(item) for item in items]
        assert names == ["describe_a.test_it", "describe_b.test_it"]
"""


@pytest.mark.slow
def test_blocks_that_are_no_classes_are_in_the_name(project):
    project.makeconftest(BLOCKS)
    project.makepyfile("def describe_a(): pass\ndef describe_b(): pass")
    assert project.runpytest_subprocess("--collect-only").ret == 0


@pytest.mark.slow
def test_a_former_name_that_another_test_has_now_is_not_replayed(project):
    day = {"begin_date": "20260301", "end_date": "20260301"}
    module = "test_a_former_name_that_another_test_has_now_is_not_replayed"
    file = project.path / "recordings" / module / "test_same.yaml"
    cassette(file, interaction("analysis.getDailyRetain", day, RECORDED))
    source = f"""
        class TestA:
            def test_same(self, recording, cloud):
                assert {RETAIN}["visitUv"][0]["value"] == 434343
        def test_same(recording, cloud):
            assert {RETAIN}["visitUv"][0]["value"] == 434343
    """
    run(project, source).assert_outcomes(passed=1, failed=1)
    result = run(project, source, "-k", "TestA")
    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines(["*TestA.test_same.yaml*"])


def test_a_recording_under_its_former_name_is_still_replayed(project):
    day = {"begin_date": "20260301", "end_date": "20260301"}
    module = "test_a_recording_under_its_former_name_is_still_replayed"
    folder = project.path / "recordings" / module
    for name in ("test_same", "test_with-a-b"):
        cassette(folder / f"{name}.yaml", interaction("analysis.getDailyRetain", day, RECORDED))
    source = f"""
        import pytest
        class TestA:
            def test_same(self, recording, cloud):
                assert {RETAIN}["visitUv"][0]["value"] == 434343
                assert recording.name == "test_same.yaml"
        @pytest.mark.parametrize("day", ["a/b"])
        def test_with(day, recording, cloud):
            assert {RETAIN}["visitUv"][0]["value"] == 434343
    """
    passes(project, source, 2)


@pytest.mark.slow
def test_the_marker_sets_the_recording_for_one_test_only(project):
    day = {"begin_date": "20260301", "end_date": "20260301"}
    cassette(project.path / "mine.json", interaction("analysis.getDailyRetain", day, RECORDED))
    source = f"""
        import pytest
        @pytest.mark.cloud_openapi(recording="mine.json")
        def test_recorded(recording, cloud):
            assert {RETAIN}["visitUv"][0]["value"] == 434343
        def test_simulated(cloud):
            assert {RETAIN}["visitUv"][0]["value"] != 434343
    """
    passes(project, source, 2)


# ---- the rest ------------------------------------------------------------------------------


def test_the_contract_is_a_fixture(project):
    source = f"""
        import pytest
        def test_it(cloud, assert_contract):
            answer = {RETAIN}
            assert_contract(answer, "analysis.getDailyRetain", "cloud", "response")
            with pytest.raises(AssertionError, match="refDate"):
                assert_contract({{}}, "analysis.getDailyRetain", "cloud", "response")
    """
    passes(project, source, 1)


@pytest.mark.slow
def test_a_suite_without_the_fixtures_does_not_import_the_package(project):
    project.makepyfile("""
        import sys
        def test_it():
            assert "pytest_cloud_openapi" in sys.modules
            assert not {"cloud_openapi", "flask", "requests", "click"} & sys.modules.keys()
    """)
    result = project.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1)


def check_project(python, folder, environment, *options):
    done = subprocess.run(
        [python, "-m", "pytest", "-q", *options],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "3 passed" in done.stdout, done.stdout


@pytest.mark.slow
def test_the_example_project_passes():
    check_project(sys.executable, PROJECT, None, *ALONE)


def test_the_programs_of_the_page_are_passing_tests(project):
    page = (ROOT / "docs" / "how-to" / "pytest.md").read_text("utf-8")
    programs = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    source = (PROJECT / "functions" / "getDailyRetain" / "index.py").read_text()
    add_function(project, "getDailyRetain", source)
    file = project.path / "recordings" / "test_page" / "test_my_report_of_a_real_day.yaml"
    file.parent.mkdir(parents=True)
    recorded = PROJECT / "recordings/test_retain/test_what_was_recorded_is_answered.yaml"
    file.write_bytes(recorded.read_bytes())
    project.makepyfile(test_page="\n\n".join(programs))
    result = project.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=page.count("def test_"))


@pytest.mark.slow
@pytest.mark.usefixtures("proxies")
def test_the_example_project_passes_with_the_wheel_alone(tmp_path):
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", tmp_path, ROOT], check=True, timeout=300)
    (wheel,) = tmp_path.glob("cloud_openapi-*.whl")
    subprocess.run([*pip, "install", f"{wheel}[pytest]"], check=True, timeout=300)
    copy = tmp_path / "project"
    subprocess.run(["cp", "-R", PROJECT, copy], check=True)
    environment = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    check_project(python, copy, environment)


# ---- the database --------------------------------------------------------------------------

ADDING = """
from cloud_openapi import cloud
cloud.init()
def main(event, context):
    return cloud.database().collection("todos").add(data={"text": event["text"]})
"""
DATABASE = """
    import pytest

    TODOS = [{"_id": "a", "done": False}]

    def test_the_files_of_the_project_are_there(cloud_database):
        assert cloud_database.names() == ["todos", "users"]
        assert cloud_database["todos"].find_one({"_id": "p"}) == {"_id": "p"}
        cloud_database["todos"].delete_many({})
        cloud_database["made"].insert_one({"_id": 1})

    def test_another_test_finds_none_of_it(cloud_database):
        assert cloud_database.names() == ["todos", "users"]
        assert cloud_database["todos"].count_documents({}) == 1
        cloud_database["todos"].delete_many({})
        cloud_database.reset()
        assert cloud_database["todos"].count_documents({}) == 1

    @pytest.mark.cloud_openapi(database={"todos": TODOS})
    class TestMarked:
        def test_a_marker_replaces_collections(self, cloud_database):
            assert list(cloud_database["todos"].find()) == TODOS
            assert cloud_database.names() == ["todos", "users"]

        @pytest.mark.cloud_openapi(database="seeds")
        def test_or_names_a_folder(self, cloud_database):
            assert cloud_database["todos"].find_one() == {"_id": "s"}

    def test_functions_and_tests_share_it(cloud_database, invoke_function, cloud_emulator):
        added = invoke_function("add", {"text": "tea"})
        assert cloud_database["todos"].find_one({"text": "tea"})["_id"] == added["_id"]
        (entry,) = cloud_emulator.journal(function="add")
        assert entry["check"] == "database.insertDocument"
"""


def with_files(project, **files):
    for name, content in files.items():
        path = project.path / f"{name.replace('__', '/')}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def test_each_test_has_the_database_of_the_project(project):
    add_function(project, "add", ADDING)
    files = {
        "database__todos": '{"_id": "p"}',
        "database__users": "[]",
        "seeds__todos": '{"_id": "s"}',
    }
    with_files(project, **files)
    passes(project, DATABASE, 5)


def test_workers_of_xdist_have_databases_of_their_own(project):
    with_files(project, database__todos="[]")
    source = """
        import pytest

        @pytest.mark.parametrize("number", range(8))
        def test_it(number, cloud_database):
            assert cloud_database["todos"].count_documents({}) == 0
            cloud_database["todos"].insert_one({"_id": 1})
    """
    passes(project, source, 8, "-n", "2", "-p", "xdist")


WRONG_DATABASES = {
    "5": "/5 is missing",
    '"none"': "none is missing",
    '{"todos": {}}': "todos: a collection is a list of documents",
    '{"todos": [5]}': "todos[0]: a record is an object, not 5",
    '"wrong"': "todos.json: line 1, column 2",
}


@pytest.mark.parametrize("given", WRONG_DATABASES)
def test_a_wrong_database_of_a_marker_is_named(project, given):
    with_files(project, wrong__todos="{")
    source = f"""
        import pytest

        @pytest.mark.cloud_openapi(database={given})
        def test_it(cloud_database):
            pass
    """
    result = run(project, source)
    result.assert_outcomes(errors=1)
    assert WRONG_DATABASES[given] in result.stdout.str()


UNREAD = """
    import pytest

    def test_a_broken_file_is_not_an_empty_collection(cloud_database):
        assert list(cloud_database) == ["users"]
        assert "users" in cloud_database and "todos" not in cloud_database
        with pytest.raises(Exception, match=r"todos.json: line 1, column 2"):
            cloud_database["todos"]

    @pytest.mark.cloud_openapi(database={"todos": []})
    def test_a_marker_replaces_it(cloud_database):
        assert cloud_database["todos"].find_one() is None
"""


def test_a_file_that_cannot_be_read_is_named_by_the_fixture(project):
    with_files(project, database__todos="{", database__users="[]")
    passes(project, UNREAD, 2)


# ---- cloud storage -------------------------------------------------------------------------

STORING = """
from cloud_openapi import cloud
cloud.init()
def main(event, context):
    return cloud.uploadFile(cloudPath=event["path"], fileContent=b"stored")
"""
STORAGE = """
    import pytest

    def test_the_files_of_the_project_are_there(cloud_storage, cloud_emulator):
        assert dict(cloud_storage) == {"seed.json": b"[]"}
        cloud_storage["images/a.png"] = b"a"
        del cloud_storage["seed.json"]
        assert (list(cloud_storage), len(cloud_storage)) == (["images/a.png"], 1)

    def test_another_test_finds_none_of_it(cloud_storage):
        assert dict(cloud_storage) == {"seed.json": b"[]"}
        with pytest.raises(KeyError):
            cloud_storage["images/a.png"]
        with pytest.raises(KeyError):
            del cloud_storage["images/a.png"]
        with pytest.raises(ValueError, match="segment"):
            cloud_storage["../a"] = b""
        cloud_storage["a"] = b""
        cloud_storage.reset()
        assert "a" not in cloud_storage

    def test_functions_and_tests_share_it(cloud_storage, invoke_function):
        stored = invoke_function("store", {"path": "图/a.txt"})
        assert stored["fileID"].endswith("/图/a.txt")
        assert cloud_storage["图/a.txt"] == b"stored"
"""


def test_each_test_has_the_files_of_the_project(project):
    add_function(project, "store", STORING)
    with_files(project, storage__seed="[]")
    passes(project, STORAGE, 3)
