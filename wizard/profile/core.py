"""The core of pydantic, loaded without what describes it: half of what loading the package costs is descriptions.

The package `pydantic_core` imports, before anything of it can be used, a thousand typed dictionaries that tell type
checkers what a schema looks like.  Its compiled module needs none of them.  It is loaded under its own name, so a
later `import pydantic` finds it and there are never two of it.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from types import ModuleType

PACKAGE = "pydantic_core"
MODULE = f"{PACKAGE}._pydantic_core"


def core() -> ModuleType:
    """The module that has `SchemaValidator` and `ValidationError`; the whole package where it is built otherwise."""
    if MODULE in sys.modules:
        return sys.modules[MODULE]
    package = PathFinder.find_spec(PACKAGE)
    folders = package.submodule_search_locations if package else None
    spec = PathFinder.find_spec(MODULE, folders) if folders else None
    if spec is None or spec.loader is None:
        import pydantic_core

        return pydantic_core
    module = module_from_spec(spec)
    sys.modules[MODULE] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[MODULE]
        raise
    return module
