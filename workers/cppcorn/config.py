"""``python -m cppcorn.config FILE``: prints the settings of a configuration file as a JSON object.

The master, which holds no Python, starts it for ``-c FILE.toml``. What the settings mean is not
known here: names and values are checked by the master. A file that cannot be read ends it with one
line on standard error and exit code 1.
"""

from __future__ import annotations

import json
import math
import sys
import tomllib
from pathlib import Path
from typing import Any


class ConfigError(Exception):
    """The file holds no settings that can be used; the text is one line."""


def read_toml(path: Path) -> dict[str, Any]:
    """The settings of a TOML file: all of it, or of pyproject.toml the table tool.cppcorn.

    Raises ConfigError.
    """
    content: Any
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(error.strerror or str(error)) from None
    except UnicodeDecodeError:
        raise ConfigError("not UTF-8, which TOML has to be") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"no valid TOML: {error}") from None
    if path.name == "pyproject.toml":
        tool = content.get("tool")
        content = tool.get("cppcorn") if isinstance(tool, dict) else None
        if not isinstance(content, dict):
            raise ConfigError("there is no table [tool.cppcorn]")
    settings: dict[str, Any] = content
    for key, value in settings.items():
        check_value(key, value)
    return settings


def check_value(key: str, value: object) -> None:
    """Raises ConfigError when a value is none that a setting can have: a date, a table."""
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str | int) or is_number(item) for item in items):
        raise ConfigError(f"key {key}: allowed: a text, a number, true or false, or a list of them")


def is_number(value: object) -> bool:
    """True of a float that JSON knows too: TOML has inf and nan."""
    return isinstance(value, float) and math.isfinite(value)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m cppcorn.config FILE.toml", file=sys.stderr)
        return 2
    try:
        settings = read_toml(Path(arguments[0]))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    json.dump(settings, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
