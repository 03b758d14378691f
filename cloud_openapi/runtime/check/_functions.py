"""Check functions: settings, sources, permissions and modules, and whether they load."""

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from cloud_openapi.runtime._settings import Settings, is_web
from cloud_openapi.runtime.check._encoding import check_encoding
from cloud_openapi.runtime.check._finding import Finding, Place, Reporter
from cloud_openapi.runtime.check._modules import check_modules
from cloud_openapi.runtime.check._outside import references_of
from cloud_openapi.runtime.check._permissions import check_permissions
from cloud_openapi.runtime.check._settings import check_settings
from cloud_openapi.runtime.check._sources import Sources, read_sources

Load = Callable[[Settings], Sequence[Finding]]
# Each is a process that may load a large SDK, and takes some 40 MB of its own.
_LOADING = min(3, os.cpu_count() or 1)
# Texts of errors that loading a function repeats after a finding in its files.
_REPEATED = {
    "syntax-error": ("SyntaxError: ", "IndentationError: ", "TabError: "),
    "invalid-json": ("/package.json: ",),
    "not-utf-8": ("SyntaxError: ",),
}
_INSTEAD = 'leave the call out when the variable TCB_ENV is "local", or replace it in your tests'
_NOT_EMULATED = (
    "getOpenData",
    "getVoIPSign",
    "getCloudCallSign",
    "cloudPay",
    "callContainer",
    "ai",
)


def check_functions(
    functions: Sequence[Settings], load: Load, advance: Callable[[], None]
) -> list[Finding]:
    """Return the findings on functions, in their order.

    ``load`` loads a function in a process of its own. One process parses all JavaScript.
    ``advance`` is called after each function.
    """
    sources, not_parsed = read_sources(functions)
    static = [[*_of_sources(each, not_parsed)] for each in sources]
    with ThreadPoolExecutor(_LOADING) as pool:
        loads = [None if is_web(each) else pool.submit(load, each) for each in functions]
        found: list[Finding] = []
        for findings, loaded in zip(static, loads, strict=True):
            found += _merged(findings, loaded.result() if loaded else ())
            advance()
    return list(dict.fromkeys(found))


def _merged(static: Sequence[Finding], loaded: Sequence[Finding]) -> Iterator[Finding]:
    """Yield the findings on a function by file and line, without what loading it only repeats."""
    codes = {each.code for each in static if each.severity == "problem"}
    if "outside-folder" in codes:
        codes.add("missing-file")
    repeated = codes & {"missing-file", "unlisted-package"}
    texts = [text for code, texts in _REPEATED.items() if code in codes for text in texts]
    new = (
        each
        for each in loaded
        if each.code not in repeated and not any(text in each.details for text in texts)
    )
    found = [*static, *new]
    yield from sorted(found, key=lambda each: each.place)


def _of_sources(sources: Sources, not_parsed: str) -> Iterator[Finding]:
    settings = sources.settings
    report = Reporter(settings.name)
    yield from check_settings(settings)
    encoding = [*check_encoding(sources)]
    yield from encoding
    yield from _unread(sources, report, not_parsed, {each.place.file for each in encoding})
    yield from check_permissions(sources)
    yield from check_modules(sources)
    for reference in references_of(sources):
        place = Place(reference.file, reference.line)
        make = report.problem if reference.module else report.note
        yield make(place, "outside-folder", reference.message)
    yield from _features(sources, report)


def _unread(
    sources: Sources, report: Reporter, not_parsed: str, not_utf_8: Collection[str]
) -> Iterator[Finding]:
    """Yield the files that were not read, and the syntax errors of the others in UTF-8."""
    if not_parsed and sources.settings.language == "node":
        place = Place(str(sources.settings.folder))
        yield report.note(place, "not-parsed", f"the sources were not checked: {not_parsed}")
    for name, why in sources.unread.items():
        yield report.note(Place(sources.path(name)), "not-parsed", f"it was not checked: {why}")
    if not sources.all_read:
        text = "some files were not checked: the folder has too many"
        yield report.note(Place(str(sources.settings.folder)), "not-parsed", text)
    loaded = sources.loaded()
    for name, facts in sources.facts.items():
        mistake = facts.mistake
        if mistake is None or sources.path(name) in not_utf_8:
            continue
        place = Place(sources.path(name), mistake.line, mistake.column)
        if not mistake.wrong:
            text = f"it was not checked: {mistake.message}"
            yield report.note(place, "not-parsed", text)
        elif name in loaded:
            yield report.problem(place, "syntax-error", f"SyntaxError: {mistake.message}")
        else:
            text = f"SyntaxError: {mistake.message}; no source of the function loads the file"
            yield report.note(place, "syntax-error", text)


def _features(sources: Sources, report: Reporter) -> Iterator[Finding]:
    """Yield a note on the first use of each service that is not emulated."""
    seen: set[str] = set()
    for name, facts in sources.loaded().items():
        for each in facts.features:
            if each.name.partition(".")[0] in _NOT_EMULATED and each.name not in seen:
                seen.add(each.name)
                place = Place(sources.path(name), each.line, each.column)
                text = f"cloud.{each.name}() is not emulated yet, and fails here: {_INSTEAD}"
                yield report.note(place, "not-emulated", text)
