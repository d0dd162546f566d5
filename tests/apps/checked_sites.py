"""The sites in each ASGI framework, with spec_check's middleware in front: checked_sites:NAME is
the application of the module NAME.
"""

from __future__ import annotations

import importlib

from spec_check import checked

MODULES = {"django_site": "django_site.asgi"}


def __getattr__(name):
    if name.startswith("_"):
        raise AttributeError(name)
    module = importlib.import_module(MODULES.get(name, name))
    application = getattr(module, "application", None) or module.app
    globals()[name] = checked(application)
    return globals()[name]
