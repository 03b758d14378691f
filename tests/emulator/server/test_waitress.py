"""The internals of waitress that the server depends on."""

import inspect

import pytest
from waitress import channel, parser, receiver, server, task, utilities, wasyncore

MESSAGE = (
    "waitress has changed an internal that emulator/server/{file} depends on: {what}. Compare the "
    "new {module} with that file, adapt it, run tests/emulator/server, and then raise waitress's "
    "upper bound in pyproject.toml."
)
# The file that depends on it, the function or method, and its parameters.
FUNCTIONS = [
    ("server.py", wasyncore.loop, ("timeout", "use_poll", "map", "count")),
    ("server.py", wasyncore.close_all, ("map", "ignore_all")),
    (
        "connections.py",
        server.TcpWSGIServer.__init__,
        ("self", "application", "map", "_sock", "dispatcher", "adj", "sockinfo", "bind_socket"),
    ),
    ("connections.py", server.TcpWSGIServer.pull_trigger, ("self",)),
    ("connections.py", server.TcpWSGIServer.readable, ("self",)),
    ("connections.py", server.TcpWSGIServer.accept, ("self",)),
    ("connections.py", parser.HTTPRequestParser.parse_header, ("self", "header_plus")),
    ("connections.py", parser.HTTPRequestParser.received, ("self", "data")),
    ("connections.py", channel.HTTPChannel.received, ("self", "data")),
    ("connections.py", channel.HTTPChannel.handle_close, ("self",)),
    ("dispatch.py", task.ThreadedTaskDispatcher.__init__, ("self",)),
    ("dispatch.py", task.ThreadedTaskDispatcher.add_task, ("self", "task")),
    ("dispatch.py", task.ThreadedTaskDispatcher.set_thread_count, ("self", "count")),
    ("dispatch.py", task.ThreadedTaskDispatcher.shutdown, ("self", "cancel_pending", "timeout")),
    ("dispatch.py", task.WSGITask.execute, ("self",)),
    ("dispatch.py", task.WSGITask.write, ("self", "data")),
    ("dispatch.py", task.WSGITask.build_response_header, ("self",)),
    ("dispatch.py", channel.HTTPChannel.service, ("self",)),
    ("dispatch.py", channel.HTTPChannel.write_soon, ("self", "data")),
    ("connections.py", channel.HTTPChannel._flush_outbufs_below_high_watermark, ("self",)),
    ("connections.py", wasyncore.dispatcher.send, ("self", "data", "do_close")),
]
# The file that depends on it, a class, and the attributes that its code reads or sets.
ATTRIBUTES = [
    ("server.py", server.BaseWSGIServer, ("trigger",)),
    ("connections.py", server.BaseWSGIServer, ("channel_class", "task_dispatcher", "accepting")),
    ("connections.py", channel.HTTPChannel, ("parser_class", "request", "last_activity")),
    ("connections.py", channel.HTTPChannel, ("connected", "total_outbufs_len", "requests")),
    ("connections.py", parser.HTTPRequestParser, ("chunked", "completed", "headers_finished")),
    ("connections.py", parser.HTTPRequestParser, ("body_rcv", "error", "request_uri")),
    ("connections.py", receiver.ChunkedReceiver, ("control_line", "trailer")),
    ("dispatch.py", utilities.Error, ("code", "reason")),
    ("server.py", wasyncore, ("readwrite", "poll2", "socket_map")),
    ("dispatch.py", task.ThreadedTaskDispatcher, ("logger", "queue_logger")),
    ("dispatch.py", task.Task, ("complete", "content_length", "content_bytes_written")),
    ("dispatch.py", task.Task, ("has_body", "wrote_header", "channel")),
    ("dispatch.py", channel.HTTPChannel, ("requests", "server", "error_task_class")),
]
# The source of a class, and what stands in it, by which our own code is called.
CALLS = [
    ("connections.py", server.BaseWSGIServer, "self.channel_class("),
    ("connections.py", server.BaseWSGIServer, "self.accept()"),
    ("connections.py", channel.HTTPChannel, "self.parser_class("),
    ("connections.py", parser.HTTPRequestParser, "except ParsingError"),
    ("server.py", server.BaseWSGIServer, "self.task_dispatcher.add_task("),
    ("server.py", channel.HTTPChannel, "self.server.pull_trigger()"),
    ("server.py", wasyncore.poll2, ".readable()"),
    ("server.py", wasyncore.poll2, ".writable()"),
    ("server.py", wasyncore.readwrite, ".handle_read_event()"),
    ("connections.py", channel.HTTPChannel, "self.task_class("),
    ("connections.py", channel.HTTPChannel, "self._flush_outbufs_below_high_watermark()"),
    ("dispatch.py", channel.HTTPChannel, "except ClientDisconnected"),
    ("dispatch.py", task.ThreadedTaskDispatcher, "self.queue_logger.warning("),
]


def failure(file, owner, what):
    module = owner.__name__ if inspect.ismodule(owner) else owner.__module__
    return MESSAGE.format(file=file, module=module, what=what)


@pytest.mark.parametrize(("file", "function", "names"), FUNCTIONS)
def test_a_function_takes_the_parameters_that_the_server_gives_or_overrides(file, function, names):
    found = inspect.signature(function).parameters
    what = f"{function.__qualname__} takes ({', '.join(found)}), not ({', '.join(names)})"
    assert set(names) <= found.keys(), failure(file, function, what)
    needed = [name for name in found if found[name].default is inspect.Parameter.empty]
    unknown = [name for name in needed if name not in (*names, "kw")]
    assert not unknown, failure(file, function, what)


@pytest.mark.parametrize(("file", "owner", "names"), ATTRIBUTES)
def test_a_class_has_the_attributes_that_the_server_uses(file, owner, names):
    source = inspect.getsource(owner)
    for name in names:
        found = hasattr(owner, name) or f"self.{name} =" in source
        assert found, failure(file, owner, f"{owner.__name__} has no {name}")


@pytest.mark.parametrize(("file", "caller", "call"), CALLS)
def test_waitress_calls_what_the_server_overrides(file, caller, call):
    source = inspect.getsource(caller)
    assert call in source, failure(file, caller, f"{caller.__name__} has no {call}")
