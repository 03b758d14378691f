"""Wait until the temporary folders of killed processes are removed."""

import threading


def wait_for_removal():
    """Wait for the threads of this process that remove folders."""
    for thread in threading.enumerate():
        if thread.name == "temporary-folders":
            thread.join(10)
            assert not thread.is_alive()
