"""Node.js handlers that pass their result to a callback.

https://cloud.tencent.com/document/product/583/67790
"""

import shutil

import pytest
from support.values import NOW

from cloud_openapi.runtime import Functions

pytestmark = pytest.mark.skipif(not shutil.which("node"), reason="Node.js is missing")

LATER = "setTimeout(() => console.log('last'), 50)"
NOT_WAITING = "context.callbackWaitsForEmptyEventLoop = false;"
NEVER_IDLE = "setInterval(() => {}, 1000);"


@pytest.fixture
def invoke(tmp_path):
    """Return a function that runs the body of a handler (event, context, callback)."""
    functions = Functions(tmp_path / "functions", {}, timeout=20)
    path = tmp_path / "functions" / "hello" / "index.js"
    path.parent.mkdir(parents=True)

    def invoke(body, kind="", times=1):
        path.write_text(
            f"exports.main = {kind} (event, context, callback) => {{ {body} }}", "utf-8"
        )
        for _ in range(times):
            outcome = functions.invoke("hello", {"a": 1}, NOW)
        return outcome

    yield invoke
    functions.close()


@pytest.mark.variants
@pytest.mark.parametrize(
    ("body", "result"),
    [
        ("callback(null, event.a)", 1),
        ("callback(undefined, 5)", 5),
        ("callback()", None),
        ("setTimeout(() => callback(null, { ok: 1 }), 20)", {"ok": 1}),
        ("setTimeout(callback, 20, null, 'a'); callback(null, 'b')", "b"),
        ("callback(null, 1); callback(null, 2); callback(new Error('late'))", 1),
        ("callback(null, 1); return 2", 1),
        ("require('fs').readFile(__filename, () => callback(null, 'read'))", "read"),
        ("Promise.resolve(3).then((three) => callback(null, three))", 3),
        (f"{NOT_WAITING} {NEVER_IDLE} callback(null, 4)", 4),
        (f"{NEVER_IDLE} setTimeout(() => {{ {NOT_WAITING} callback(null, 4) }}, 20)", 4),
        ("callback(null, context.callbackWaitsForEmptyEventLoop)", True),
        (f"{NOT_WAITING} process.nextTick(() => callback(null, 7)); return true", 7),
        ("process.nextTick(() => callback(null, 7)); return true", 7),
        ("process.removeAllListeners('beforeExit'); callback(null, 8)", 8),
        ("process.on('beforeExit', () => process.exit(0)); callback(null, 8)", 8),
        ("process.on('beforeExit', () => process.exit(0))", None),
        ("", None),
        ("return 6", 6),
    ],
)
def test_the_callbacks_result_is_the_functions(invoke, body, result):
    # The worker is used again, so that nothing of an invocation reaches the next one.
    outcome = invoke(body, times=2)
    assert (outcome.status, outcome.result) == (200, result)


@pytest.mark.variants
@pytest.mark.parametrize(
    "expression",
    [
        "setTimeout(() => callback(null, 9), 20)",
        "setImmediate(callback, null, 9)",
        "require('fs').createReadStream(__filename).resume().on('close', () => callback(null, 9))",
        "require('child_process').execFile(process.execPath, ['-v'], () => callback(null, 9))",
        "require('http').get('http://127.0.0.1:9').on('error', () => callback(null, 9))",
        "callback(null, 9)",
    ],
)
def test_the_value_of_an_expression_is_not_the_result_beside_a_callback(invoke, expression):
    outcome = invoke(f"return {expression}", times=2)
    assert (outcome.status, outcome.result) == (200, 9)


@pytest.mark.parametrize("body", ["callback(null, 1)", "", f"{NOT_WAITING}"])
def test_the_platform_waits_until_the_function_has_nothing_left_to_do(invoke, body):
    outcome = invoke(f"{LATER}; {body}")
    assert "\nlast\n" in outcome.log


def test_without_the_wait_the_answer_is_immediate(invoke):
    outcome = invoke(
        f"setTimeout(() => console.log('last'), 10_000); {NOT_WAITING} callback(null, 1)"
    )
    assert outcome.result == 1
    assert "last" not in outcome.log


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "waits"),
    [
        (f"exports.main = (event, context, call) => {{ {NEVER_IDLE} call(null, 1) }}", True),
        (f"{NEVER_IDLE} exports.main = () => console.log('done')", True),
        ("exports.main = () => new Promise(() => {})", False),
        ("exports.main = () => { for (;;) {} }", False),
    ],
)
def test_the_log_of_a_timeout_tells_whether_the_event_loop_is_not_empty(tmp_path, source, waits):
    path = tmp_path / "hello" / "index.js"
    path.parent.mkdir()
    path.write_text(source, "utf-8")
    functions = Functions(tmp_path, {}, timeout=3 if waits else 0.5)
    try:
        outcome = functions.invoke("hello", {}, NOW)
    finally:
        functions.close()
    assert outcome.status == 433
    assert ("the event loop is not empty: return a promise" in outcome.log) == waits


@pytest.mark.variants
@pytest.mark.parametrize(
    ("error", "stack"),
    [
        ("new Error('boom')", "Error: boom\n    at "),
        ("'boom'", "Uncaught 'boom'"),
        ("false", "Uncaught false"),
    ],
)
@pytest.mark.parametrize("call", ["callback({}, 1)", "setTimeout(() => callback({}), 20)"])
def test_the_callbacks_error_is_the_functions(invoke, call, error, stack):
    outcome = invoke(call.format(error), times=2)
    assert outcome.status == 430
    assert outcome.result["stackTrace"].startswith(stack)


@pytest.mark.parametrize("wait", ["", NOT_WAITING])
def test_an_error_that_is_thrown_after_the_callback_counts(invoke, wait):
    outcome = invoke(f"{wait} callback(null, 1); throw new Error('boom')", times=2)
    assert outcome.status == 430
    assert outcome.result["stackTrace"].startswith("Error: boom")


@pytest.mark.parametrize(
    "body", ["await null; callback(null, 1); return 2", "callback(null, 1); return 2"]
)
def test_a_promises_result_counts_and_not_the_callbacks(invoke, body):
    outcome = invoke(body, "async")
    assert outcome.result == 2
    assert "callback is ignored" in outcome.log


def test_a_result_of_the_callback_that_is_not_json_is_an_error(invoke):
    outcome = invoke("callback(null, { a: 1n })")
    assert (outcome.status, outcome.result["errorMessage"]) == (430, "user code exception caught")
    assert "result.a is a BigInt" in outcome.result["stackTrace"]
