"""A worker process, ``python -m cppcorn.worker``: gets its settings from the master, loads the application, serves it.

Only the master starts it. What it has to say goes through the control channel: that it is ready, or why it is not.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

# Exit codes, gunicorn's: what a supervisor sees of a worker that never served.
EXIT_BOOT = 3
EXIT_APP = 4


def extend_search_path(app_dir: str | None, pythonpath: Iterable[str]) -> None:
    """Puts the application's directory in front of sys.path, and before it what --pythonpath names.

    The first entry that ``python -m`` made (the directory at the time of the start) goes: --chdir may have left it.
    """
    if sys.path and sys.path[0] == "":
        sys.path.pop(0)
    wanted = [os.path.abspath(entry) for entry in (*pythonpath, app_dir or ".")]
    for entry in reversed(wanted):
        if entry in sys.path:
            sys.path.remove(entry)
        sys.path.insert(0, entry)
