import argparse
import os
import platform
import re
import tempfile
from collections.abc import Iterable

from scripts.bench.figures import FIGURES, LONG
from scripts.bench.measuring import QUICK, USUAL, Effort, Figure, print_row
from scripts.bench.servers import compare_servers

_FEWEST_ROUNDS = 5
# These variables would change the called address, send loopback calls to a proxy, or compile all
# packages at each start.
_FOREIGN = re.compile(
    "CLOUD_OPENAPI_.*|http_proxy|all_proxy|PYTHONDONTWRITEBYTECODE", re.IGNORECASE
)


def rounds_option(text: str) -> int:
    """Read the number of rounds."""
    rounds = int(text)
    if rounds < _FEWEST_ROUNDS:
        raise argparse.ArgumentTypeError(f"a median needs at least {_FEWEST_ROUNDS} rounds")
    return rounds


def settle_environment(bytecode: str) -> None:
    """Give all processes the same conditions: no user settings, and compiled modules."""
    for name in filter(_FOREIGN.fullmatch, list(os.environ)):
        del os.environ[name]
    os.environ["PYTHONPYCACHEPREFIX"] = bytecode


def print_figures(effort: Effort, figures: Iterable[Figure]) -> None:
    """Measure the figures, and print each line as it is ready."""
    print(
        f"{platform.python_implementation()} {platform.python_version()}, "
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}\n"
    )
    print_row("figure", "limit", "measured", "first", "second")
    print_row("---", *["---"] * 4)
    for figure in figures:
        print_row(*figure.cells(effort))


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description="Print the figures of docs/background/benchmarks.md."
    )
    parser.add_argument("--rounds", type=rounds_option, metavar="N", help="rounds for each figure")
    parser.add_argument("--quick", action="store_true", help="fewer calls, for a quick try")
    parser.add_argument("--only", default="", metavar="TEXT", help="figures with TEXT in the name")
    parser.add_argument("--long", action="store_true", help="only the slow figures")
    parser.add_argument("--servers", action="store_true", help="also compare WSGI servers")
    options = parser.parse_args()
    usual = QUICK if options.quick else USUAL
    rounds = options.rounds or usual.rounds
    effort = usual._replace(rounds=rounds, many=max(rounds, usual.many))
    figures = LONG if options.long else FIGURES
    with tempfile.TemporaryDirectory() as bytecode:
        settle_environment(bytecode)
        print_figures(effort, (figure for figure in figures if options.only in figure.name))
        if options.servers:
            compare_servers(effort)


if __name__ == "__main__":
    main()
