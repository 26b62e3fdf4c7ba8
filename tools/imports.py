"""The import graph of the program, and the rules that it follows: `python -m tools.imports` checks them.

    python -m tools.imports            says what breaks a rule; exit 1 where something does
    python -m tools.imports --graph    prints every file with the files that it imports

The rules: no file imports another in a circle; inside `wizard/` a package imports only packages below it
(`ORDER`); nothing in `wizard/` imports `screens/`, but `wizard/main.py`, which nothing else imports; few modules lie
directly in `wizard/`.  An import inside a function counts like any other; one under `TYPE_CHECKING` does not.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

ORDER = (
    "main",
    "command_line",
    "demo",
    "steps",
    "preflight",
    "database",
    "verify",
    "plan",
    "transaction",
    "edit",
    "server",
    "pack",
    "profile",
    "passwords",
    "system",
)
"""The packages of `wizard/`, from the command line down; each imports only those behind it."""

MOST_AT_THE_TOP = 6
"""Modules that lie directly in `wizard/`, at most."""

Graph = Mapping[str, tuple[str, ...]]
"""Module → the modules of the program that it imports."""


def graph(root: Path = ROOT) -> Graph:
    """The imports of every module of `wizard` and `screens`, by dotted name."""
    files = {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
        for top in ("wizard", "screens")
        for path in sorted((root / top).rglob("*.py"))
    }
    return {
        name: tuple(sorted(set(_imported(ast.parse(path.read_bytes()), files)) - {name}))
        for name, path in files.items()
    }


def _imported(node: ast.AST, files: Mapping[str, Path]) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield from _imported(other, files)
            continue
        if isinstance(child, ast.Import):
            yield from (one.name for one in child.names if one.name in files)
        elif isinstance(child, ast.ImportFrom) and child.module:
            for one in child.names:
                full = f"{child.module}.{one.name}"
                if full in files:
                    yield full
                elif child.module in files:
                    yield child.module
        yield from _imported(child, files)


def circle(modules: Graph) -> list[str]:
    """Modules that import each other in a circle, if there are any; of several circles one."""
    try:
        TopologicalSorter(modules).prepare()
    except CycleError as found:
        return sorted(set(found.args[1]))
    return []


def upward(modules: Graph) -> Iterator[tuple[str, str]]:
    """Each import that goes up: of a package from one below it, or from `wizard` to `screens`."""
    for name, imported in modules.items():
        top, _, package = name.partition(".")
        if top != "wizard" or package in ("", "__main__", "main"):
            continue
        for other in imported:
            if other.startswith("screens") or _rank(other) < _rank(name):
                yield name, other


def _rank(name: str) -> int:
    """The place of a module's package in `ORDER`; the version in `wizard` itself is below everything."""
    parts = name.split(".")
    if len(parts) == 1:
        return len(ORDER)
    return ORDER.index(parts[1]) if parts[1] in ORDER else 0


def problems(root: Path = ROOT) -> Iterator[str]:
    """What breaks a rule, a line each."""
    modules = graph(root)
    if found := circle(modules):
        yield f"imports in a circle: {', '.join(found)}"
    for name, other in upward(modules):
        yield f"imports upward: {name} imports {other}"
    for name, imported in modules.items():
        if "wizard.main" in imported and name != "wizard.__main__":
            yield f"imports the entry point: {name}"
    at_the_top = sorted(path.name for path in (root / "wizard").glob("*.py"))
    if len(at_the_top) > MOST_AT_THE_TOP:
        yield f"more than {MOST_AT_THE_TOP} modules directly in wizard/: {', '.join(at_the_top)}"
    packages = {path.parent.name for path in (root / "wizard").glob("*/__init__.py")}
    for package in sorted(packages - set(ORDER)):
        yield f"not in the order of packages (tools/imports.py): wizard/{package}"


def main(arguments: list[str]) -> int:
    """Print the graph, or what breaks a rule; the exit code."""
    modules = graph()
    if arguments == ["--graph"]:
        for name, imported in modules.items():
            print(f"{name}: {' '.join(imported)}")
        return 0
    found = list(problems())
    summary = f"{len(modules)} modules, {sum(map(len, modules.values()))} imports: no circle, none goes up"
    print("\n".join(found or [summary]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
