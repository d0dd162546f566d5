"""``python -m cppcorn ARGS``: the program cppcorn, with this interpreter for its workers."""

from __future__ import annotations

import os
import sys

from cppcorn.launcher import BinaryNotFoundError, binary


def main() -> None:
    try:
        program = str(binary())
    except BinaryNotFoundError as error:
        sys.exit(f"cppcorn: {error}")
    arguments = sys.argv[1:]
    if not any(
        argument == "--python" or argument.startswith("--python=") for argument in arguments
    ):
        arguments = [f"--python={sys.executable}", *arguments]
    os.execv(program, [program, *arguments])


if __name__ == "__main__":
    main()
