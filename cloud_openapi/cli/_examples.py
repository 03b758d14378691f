"""An example for the help of each command; the tests run them."""

from typing import Final

import click

EXAMPLES: Final = {
    "apis": "apis retain",
    "call": "call analysis.getDailyRetain --begin-date 20170313 --end-date 20170313",
    "check": "check getDailyRetain",
    "completion": "completion bash",
    "control": "control state",
    "control app set": "control app set wxone --secret made-up --ready-hour 9",
    "control app show": "control app show wxone",
    "control app": "control app show wxdemo000000000000",
    "control clock": "control clock show",
    "control faults": "control faults list",
    "control faults clear": "control faults clear",
    "control pins": "control pins list",
    "control pins clear": "control pins clear",
    "control state": "control state",
    "control clock freeze": "control clock freeze 2026-03-09T08:00",
    "control clock advance": "control clock advance 86400",
    "control clock run": "control clock run",
    "control clock show": "control clock show",
    "control faults add": "control faults add error --errcode 61504 --times 2",
    "control faults list": "control faults list",
    "control faults remove": "control faults remove 1",
    "control journal": "control journal --api analysis.getDailyRetain --limit 5",
    "control mode": "control mode simulate",
    "control pins add": "control pins add analysis.getDailySummary "
    "--response '{\"errcode\": 61503}'",
    "control pins list": "control pins list",
    "control pins remove": "control pins remove 1",
    "control reset": "control reset",
    "control seed": "control seed 7",
    "database": "database list",
    "database create": "database create todos",
    "database export": "database export todos --to todos.json",
    "database find": "database find todos '{\"done\": false}' --order '{\"at\": -1}'",
    "database import": "database import database/todos.json --mode upsert",
    "database list": "database list",
    "database reset": "database reset",
    "database restore": "database restore before",
    "database snapshot": "database snapshot before",
    "doctor": "doctor getDailyRetain",
    "drift": "drift recordings",
    "exec": "exec -- pytest",
    "history": "history status",
    "history sync": "history sync analysis.getDailyRetain --from 2026-01-01 --demo",
    "history status": "history status",
    "history export": "history export analysis.getDailyRetain retention.csv",
    "history show": "history show analysis.getDailyRetain --from 2026-03-01",
    "import": "import traffic.har --to recordings",
    "init": "init demo",
    "install": "install --all",
    "invoke": 'invoke getDailyRetain --data \'{"beginDate": "20170313", "endDate": "20170313"}\'',
    "logs": "logs getDailyRetain --follow",
    "openapi": "openapi --base-url http://127.0.0.1:7070",
    "package": "package getDailyRetain --to build",
    "record": "record analysis.getDailyRetain --dates 20260301..20260331 --to recordings",
    "report": "report retention",
    "report distribution": "report distribution --to 2026-03-01",
    "report pages": "report pages --csv pages.csv --excel",
    "report performance": "report performance --module 10022 --params '[]'",
    "report portrait": "report portrait --days 30 --users active",
    "report retention": "report retention --last 60 --html retention.html",
    "report summary": "report summary --last 90 --png summary.png",
    "report trend": "report trend --span week --json visits.json",
    "requests": "requests --failed --follow",
    "schema": "schema analysis.getDailyRetain --form https",
    "serve": "serve --functions cloudfunctions --now 2017-03-14T10:00",
    "storage": "storage list",
    "storage get": "storage get images/a.png",
    "storage list": "storage list images/",
    "storage put": "storage put a.png images/",
    "storage remove": "storage remove images/a.png",
    "storage reset": "storage reset",
    "ui": "ui",
    "verify": "verify recordings",
}


def with_examples(name: str, command: click.Command) -> click.Command:
    """Add its example to the help of a command, and to that of each command below it."""
    if name in EXAMPLES:
        command.epilog = f"\b\nExample:\n  cloud-openapi {EXAMPLES[name]}"
    if isinstance(command, click.Group):
        for below, each in command.commands.items():
            with_examples(f"{name} {below}", each)
    return command
