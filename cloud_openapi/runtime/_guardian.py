"""Run as a script: end the processes of an emulator that has ended without doing so itself.

Its stdin is a pipe from the emulator, of lines such as +123 and -123: groups of processes that
began and that ended. However the emulator ends, the pipe is closed, and what is left is killed.
"""

import os
import sys


def main() -> None:
    """Watch until the emulator is gone."""
    groups = set()
    for line in sys.stdin:
        group = int(line[1:])
        groups.add(group) if line[0] == "+" else groups.discard(group)
    for group in groups:
        try:
            os.killpg(group, 9)
        except OSError:  # noqa: PERF203 - imports would cost more
            continue  # it is gone already


if __name__ == "__main__":
    main()
