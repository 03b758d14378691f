"""The command report: a subcommand for each report of the catalogue."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

import click
from click.core import ParameterSource

from cloud_openapi import charts
from cloud_openapi.cli._emulator_options import EmulatorOptions, moment, transport_to
from cloud_openapi.cli._examples import with_examples
from cloud_openapi.cli._history_text import DEFAULT_STORE
from cloud_openapi.cli._options import (
    STREAM,
    Choice,
    Decorator,
    FileOrStream,
    day,
    field_option,
    option,
    variable,
)
from cloud_openapi.cli._report_text import Look, report_lines
from cloud_openapi.cli._terminal import columns, has_colours
from cloud_openapi.demo import DEMO_APPID
from cloud_openapi.drafts import write_whole
from cloud_openapi.json_schema.fields import resolved
from cloud_openapi.json_text import json_text
from cloud_openapi.known_names import nearest
from cloud_openapi.reports import (
    Content,
    Report,
    Settings,
    content,
    page_of,
    png_of,
    reports,
    svg_of,
)

if TYPE_CHECKING:
    from cloud_openapi.cli._report_answers import Found, Wanted

_LANGUAGES: Final = {"en": charts.english, "zh": charts.chinese}
_FORMATS: Final = ("csv", "json", "html", "svg", "png")
_OF_EMULATOR: Final = ("seed", "now", "settings")


class _ByName(click.Group):
    """A subcommand for each report."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(reports())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        found = reports().get(cmd_name)
        if found is None:
            close = nearest(cmd_name, reports())
            hint = f"Did you mean {close}?" if close else f"Known: {', '.join(reports())}."
            raise click.UsageError(f"There is no report {cmd_name!r}. {hint}")
        return _command(found)


@click.group(cls=_ByName)
def report() -> None:
    """Show retention, trends, pages and users of a mini program; as CSV, HTML, PNG, too.

    The numbers come from the store of a history if there is one, else from the service whose
    credentials are set, else from an emulator in this process.
    """


def _command(found: Report) -> click.Command:
    def run(**given: Any) -> None:
        params = {name: given.pop(place) for name, place in names.items()}
        _Run(found, given, params).show()

    for add in reversed(_options(found)):
        add(run)
    apis = [f"--span {span}: {each.name}" for span, each in found.operations.items()]
    by_span = len(apis) > 1
    text = "\n\n".join(
        (f"{found.operation.summary}.", ", ".join(apis) if by_span else found.operation.name)
    )
    command = with_examples(f"report {found.name}", click.command(found.name, help=text)(run))
    # A parameter may be named like an option of the command.
    taken = {param.name for param in command.params}
    names = {name: f"param_{name}" if name in taken else name for name in found.parameters}
    schema = found.operation.schema("https", "request")
    command.params[:0] = [
        field_option(
            place,
            resolved(schema["properties"][name], schema),
            required=True,
            envvar=variable(place),
            show_envvar=True,
        )
        for name, place in names.items()
    ]
    return command


def _options(found: Report) -> list[Decorator]:
    """Return the options of a report: those that its APIs have a use for, and the common ones."""
    own = []
    if len(found.operations) > 1:
        spans = Choice(list(found.operations))
        own.append(option("--span", type=spans, default="day", show_default=True))
    if found.days:
        days = click.Choice(found.days)
        text = f"The days of a window: {', '.join(map(str, found.days))}."
        own.append(option("--days", type=days, default=found.days[0], show_default=True, help=text))
    if found.by_users:
        users = Choice(["new", "active"])
        text = "The new users of the period, or all who were active."
        own.append(option("--users", type=users, default="new", show_default=True, help=text))
    if found.kind == "cohorts":
        show = Choice(list(get_args(charts.Show)))
        own.append(option("--show", type=show, default="percent", show_default=True))
    return [*own, *_COMMON]


def _language() -> str:
    """Return the language of the terminal's messages, as gettext finds it."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    chosen = next(filter(None, map(os.environ.get, names)), "")
    return "zh" if chosen.lower().startswith("zh") else "en"


def _file(form: str, text: str) -> Decorator:
    to = FileOrStream(dir_okay=False)
    return option(f"--{form}", type=to, metavar="FILE", help=f"{text}; - is stdout.")


_COMMON: Final = (
    option("--from", "begin", type=day, metavar="DAY", help="The first day, such as 2026-03-01."),
    option("--to", "end", type=day, metavar="DAY", help="The last day; by default the newest."),
    option("--last", type=click.IntRange(1), help="The number of rows up to --to, without --from."),
    option("--app", metavar="APPID", help="The mini program."),
    option(
        "--store",
        metavar="PATH|URL",
        help=f"The store of a history; by default {DEFAULT_STORE} in this folder, if it is there.",
    ),
    option("--live", is_flag=True, help="Ask the service now, even where there is a store."),
    option("--base-url", help="The server to ask, such as a running emulator."),
    option("--demo", is_flag=True, help="Ask an emulator in this process, and nothing else."),
    option("--seed", type=int, help="The seed of the emulator's numbers."),
    # Read when there is an emulator, whose import takes longer than a report of a store.
    option("--now", metavar="TIME", help="The time of the emulator in this process."),
    option(
        "--settings",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="The settings of the emulator in this process, as those of serve.",
    ),
    _file("csv", "Write a table for spreadsheets and programs"),
    option("--excel", is_flag=True, help="Write the CSV for Excel, with a byte order mark."),
    _file("json", "Write the answers as they came, and the averages"),
    _file("html", "Write a page, one file without scripts"),
    _file("svg", "Write the charts as SVG"),
    _file("png", "Write the charts as PNG"),
    option(
        "--language",
        type=Choice(list(_LANGUAGES)),
        default=_language,
        help="The language of the report; by default the terminal's.",
    ),
)


class _Run:
    """One report: its windows, their source, and the forms in which it is shown."""

    def __init__(self, found: Report, given: Mapping[str, Any], params: Mapping[str, Any]) -> None:
        self._report = found
        self._given = given
        self._params = params
        self._t = _LANGUAGES[given["language"]]

    def show(self) -> None:
        """Write the files, then print the table unless one of them went to stdout."""
        files = {form: file for form in _FORMATS if (file := self._given[form]) is not None}
        streams = sum(file is STREAM for file in files.values())
        if streams > 1:
            raise click.UsageError("Only one file can be stdout.")
        shown = self._content()
        # All are made before one is written.
        made = {form: self._made(form, shown) for form in files}
        for form, file in files.items():
            _write(file, made[form])
        if not streams:
            look = Look(columns(), has_colours(), self._t)
            click.echo("\n".join(report_lines(shown, look)))
        for file in files.values():
            if file is not STREAM:
                click.echo(f"Wrote {file}", err=True)

    def _made(self, form: str, shown: Content) -> bytes:
        if form == "csv":
            return charts.csv_text(shown.header, shown.rows, spreadsheet=self._given["excel"])
        if form == "json":
            return (json_text(shown.data, indent=2) + "\n").encode("utf-8", "replace")
        if form == "png":
            return png_of(shown, self._t)
        make = page_of if form == "html" else svg_of
        return make(shown, self._t).encode("utf-8", "replace")

    def _content(self) -> Content:
        given = self._given
        found, source = self._answers()
        answers = found.answers
        if self._is_single:
            answers = [next((each for each in reversed(answers) if not each.problem), answers[-1])]
        settings = Settings(
            appid=found.appid,
            span=self._wanted.span,
            users=given.get("users", "new"),
            show=given.get("show", "percent"),
            today=found.today,
            t=self._t,
        )
        shown = content(self._report, answers, settings)
        return shown._replace(notes=[*shown.notes, source])

    @property
    def _is_single(self) -> bool:
        """Whether one window is shown, the newest with an answer."""
        one_each = self._report.kind in ("rows", "groups")
        return one_each and not (self._given["begin"] or self._given["last"])

    @property
    def _wanted(self) -> "Wanted":
        from cloud_openapi.cli._report_answers import Wanted

        given, span = self._given, self._given.get("span", "day")
        return Wanted(
            self._report.operations[span],
            span,
            begin=given["begin"],
            end=given["end"],
            # The newest may not be ready.
            last=2 if self._is_single else given["last"],
            days=given.get("days", 1),
            params=self._params,
        )

    def _answers(self) -> tuple["Found", str]:
        """Return the answers, and a sentence about their source."""
        from cloud_openapi.cli._report_answers import ask, read
        from cloud_openapi.history import Clock
        from cloud_openapi.transports import connect, settings_from_environment

        given, t = self._given, self._t
        settings = settings_from_environment(appid=given["app"], base_url=given["base_url"])
        store = self._store()
        transport = None if store or given["demo"] else connect(settings)
        if store or transport is not None:
            _refuse_options_of_emulator()
        if store:
            found = read(self._wanted, settings.appid, store, t)
            return found, t(f"Source: {found.store}", f"数据来源：{found.store}")
        if transport is not None:
            place = settings.base_url or "WeChat"
            source = t(f"Source: {place}", f"数据来源：{place}")
            appid = settings.appid or DEMO_APPID
            return ask(self._wanted, appid, transport, Clock(), t), source
        apps = ((given["app"], None),) if given["app"] else ()
        now = moment(given["now"]) if given["now"] else None
        emulator = EmulatorOptions(apps, given["seed"], now, given["settings"]).emulator()
        appid = emulator.first_appid
        source = t(
            "Source: an emulator in this process; the numbers are simulated.",
            "数据来源：本进程内的模拟器；数值均为模拟数据。",
        )
        clock = Clock(emulator.program(appid).clock.now)
        return ask(self._wanted, appid, transport_to(emulator), clock, t), source

    def _store(self) -> str | None:
        """Return the store to read, None to ask."""
        given, asks = self._given, ("live", "demo", "base_url")
        if given["store"] and not any(map(_is_typed, asks)):
            return str(given["store"])
        if _is_typed("store"):
            raise click.UsageError("Choose --store, or one of --live, --demo and --base-url.")
        # The address is often set for good; only on the command line is it asked for now.
        asked = given["live"] or given["demo"] or _is_typed("base_url")
        return DEFAULT_STORE if not asked and Path(DEFAULT_STORE).is_file() else None


def _is_typed(name: str) -> bool:
    """Return whether an option stands on the command line, not in its variable."""
    source = click.get_current_context().get_parameter_source(name)
    return source is ParameterSource.COMMANDLINE


def _refuse_options_of_emulator() -> None:
    for name in filter(_is_typed, _OF_EMULATOR):
        raise click.UsageError(
            f"--{name} is for an emulator in this process: add --demo, or leave it out."
        )


def _write(file: Path, content: bytes) -> None:
    if file is STREAM:
        click.echo(content, nl=False)
    else:
        write_whole(file, content)
