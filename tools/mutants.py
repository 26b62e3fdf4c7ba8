"""Does a test fail when the code is changed?  `python -m tools.mutants` changes it, one place at a time, and looks.

    python -m tools.mutants 200               200 mutants, evenly over PACKAGES
    python -m tools.mutants 20 edit/xml.py    20 of what lies below wizard/edit/xml.py
    python -m tools.mutants --seed 7 …        other ones

Each runs in a copy of the tree, against the tests that reach its line: the nearest first, until one fails.  Which
tests those are is found in one run of all with coverage, and kept in `.cache/mutants` until a file changes.  A mutant
on a line that no test reaches survives.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import queue
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

PACKAGES = ("edit", "steps", "transaction", "database", "verify")

APART = ("bench", "demo", "docs", "fuzz", "peers", "screens", "tools", "test_release.py", "test_readme.py",
    "transaction/test_faults.py")  # fmt: skip
"""Tests that no mutant is run against: they look at something else, or take too long for what they add."""

LIMIT = 60
"""Seconds for one test."""

OTHER: Mapping[type[ast.AST], type[ast.AST]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Break: ast.Continue, ast.Continue: ast.Break,
}  # fmt: skip
"""Operators and what takes their place."""


@dataclass(frozen=True, order=True)
class Mutant:
    """One change: bytes `start` to `end` of the file become `after`; `lines` are those whose tests can see it."""

    path: str
    line: int
    start: int
    end: int
    before: str
    after: str
    lines: tuple[int, ...]
    """Empty where it is run when the module is imported: every test of the module can see it."""

    def applied(self, source: bytes) -> bytes:
        return source[: self.start] + self.after.encode() + source[self.end :]

    def __str__(self) -> str:
        short = [" ".join(text.split())[:70] for text in (self.before, self.after)]
        return f"{self.path}:{self.line}: {short[0]}  ->  {short[1]}"


def mutants_of(path: str, source: bytes) -> list[Mutant]:
    """Every mutant of a file."""
    begins = [0]
    for line in source.splitlines(keepends=True):
        begins.append(begins[-1] + len(line))
    found = []
    for node, after, lines in _changes(ast.parse(source), (), inside=False):
        assert node.end_lineno is not None and node.end_col_offset is not None
        start = begins[node.lineno - 1] + node.col_offset
        end = begins[node.end_lineno - 1] + node.end_col_offset
        found.append(Mutant(path, node.lineno, start, end, source[start:end].decode(), after, lines))
    return sorted(set(found))


def _changes(
    node: ast.AST, lines: tuple[int, ...], *, inside: bool
) -> Iterator[tuple[Any, str, tuple[int, ...]]]:
    """What can be changed below a node: the part, its new text, and the lines that show who runs it."""
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return
    if isinstance(node, ast.stmt) and inside:
        last = node.end_lineno or 0
        if isinstance(node, (ast.If, ast.For, ast.While, ast.With)):
            last = node.body[0].lineno - 1
        lines = tuple(range(node.lineno, max(last, node.lineno) + 1))
    for after in _replacements(node):
        yield node, after, lines
    for name, value in ast.iter_fields(node):
        # Annotations, decorators and the words of an error are nothing that a program does.
        if name in ("annotation", "returns", "decorator_list", "type_params", "exc", "bases", "format_spec"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                if name == "test" and not isinstance(child, (ast.Compare, ast.BoolOp, ast.UnaryOp)):
                    yield child, f"(not {ast.unparse(child)})", lines
                function = isinstance(node, (ast.FunctionDef, ast.Lambda)) and name == "body"
                yield from _changes(child, lines, inside=inside or function)


def _replacements(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Compare(ops=[one, *more]):
            changed = OTHER[type(one)]()
            yield f"({ast.unparse(ast.Compare(node.left, [changed, *more], node.comparators))})"  # type: ignore[list-item]
        case ast.BoolOp():
            changed = OTHER[type(node.op)]()
            yield f"({ast.unparse(ast.BoolOp(changed, node.values))})"  # type: ignore[arg-type]
            for left_out in range(len(node.values)):
                rest = [value for at, value in enumerate(node.values) if at != left_out]
                yield f"({ast.unparse(rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest))})"
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            changed = OTHER[type(node.op)]()
            yield f"({ast.unparse(ast.BinOp(node.left, changed, node.right))})"  # type: ignore[arg-type]
        case ast.UnaryOp(op=ast.Not()):
            yield f"({ast.unparse(node.operand)})"
        case ast.Constant(value=bool()):
            yield repr(not node.value)
        case ast.Constant(value=int(number)) if (
            number < 10
        ):  # larger ones are limits: one more is not a fault
            yield str(number + 1)
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield "return None"
        case ast.Break() | ast.Continue():
            yield ast.unparse(OTHER[type(node)]())
        case (
            ast.Expr(value=ast.Call() | ast.YieldFrom() | ast.Yield())
            | ast.AugAssign()
            | ast.Raise()
            | ast.Delete()
        ):
            yield "pass"


# --- which tests reach which line -----------------------------------------------------------------------------------


def pytest_runtest_protocol(item: Any) -> None:
    """As a plugin of pytest (`-p tools.mutants`): name the test in what coverage writes down."""
    import coverage

    current = coverage.Coverage.current()
    if current is not None:
        current.switch_context(item.nodeid)


Reached = Mapping[str, Mapping[str, Sequence[str]]]
"""File → line → the tests that run it."""


def reached(root: Path, tests: Sequence[str]) -> Reached:
    """Run the tests once with coverage, or take what was found when no file was other than now."""
    import coverage

    content = hashlib.sha256("\0".join(tests).encode())
    for path in sorted((*root.glob("wizard/**/*.py"), *root.glob("tests/**/*.py"))):
        content.update(path.read_bytes())
    kept = root / ".cache" / "mutants" / f"{content.hexdigest()[:16]}.json"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        data = kept.with_suffix(".coverage")
        command = [sys.executable, "-m", "coverage", "run", "--source=wizard", f"--data-file={data}"]
        print("running the tests once, with coverage", flush=True)
        command += ["-m", "pytest", "-p", "tools.mutants", *tests]
        code = subprocess.run(command, cwd=root, check=False).returncode
        if code:
            raise SystemExit("the tests fail without any mutant")
        measured = coverage.CoverageData(str(data))
        measured.read()
        found = {}
        for name in measured.measured_files():
            lines = measured.contexts_by_lineno(name).items()
            file = str(Path(name).relative_to(root))
            found[file] = {str(line): sorted(filter(None, of)) for line, of in lines}
        kept.write_text(json.dumps(found))
        data.unlink()
    known: Reached = json.loads(kept.read_text())
    return known


def tests_of(mutant: Mutant, known: Reached) -> list[str]:
    """The tests that reach it, those of its own module first, then those of its package."""
    lines = known.get(mutant.path, {})
    names = {test for line in mutant.lines or lines for test in lines.get(str(line), ())}
    package, module = Path(mutant.path).parent.name, Path(mutant.path).stem

    def distance(test: str) -> tuple[bool, bool, str]:
        file = test.partition("::")[0]
        return (f"test_{module}" not in file, f"/{package}/" not in file, file)

    return sorted(names, key=lambda test: (*distance(test), test))


# --- running --------------------------------------------------------------------------------------------------------


def judged(mutant: Mutant, tests: Sequence[str], copy: Path) -> str:
    """`killed`, `killed (time)`, `survived` or `not reached`."""
    if not tests:
        return "not reached"
    path, chosen = copy / mutant.path, copy / "chosen-tests"
    source = path.read_bytes()
    chosen.write_text("\n".join(tests))
    command = [sys.executable, "-m", "pytest", "-x", "--timeout", str(LIMIT), f"@{chosen}"]
    path.write_bytes(mutant.applied(source))
    try:
        code = subprocess.run(
            command, cwd=copy, stdin=subprocess.DEVNULL, capture_output=True, timeout=20 * LIMIT, check=False
        ).returncode
    except subprocess.TimeoutExpired:
        return "killed (time)"
    finally:
        path.write_bytes(source)
    return "survived" if code == 0 else "killed"


def copied(root: Path, folder: Path) -> Path:
    """What git has of the tree, as it is now, with the same caches."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, folder / name)
    (folder / ".cache").symlink_to(root / ".cache")
    return folder


def chosen(root: Path, below: str, number: int, seed: int) -> list[Mutant]:
    """`number` mutants of the files below `wizard/` + `below`, or as many of each of PACKAGES."""
    picked: list[Mutant] = []
    parts = [below] if below else list(PACKAGES)
    for at, part in enumerate(parts):
        top = root / "wizard" / part
        files = [top] if top.is_file() else sorted(top.rglob("*.py"))
        every = [one for path in files for one in mutants_of(str(path.relative_to(root)), path.read_bytes())]
        share = number // len(parts) + (at < number % len(parts))
        picked += random.Random(f"{seed} {part}").sample(every, min(share, len(every)))
    return picked


def run(root: Path, mutants: Sequence[Mutant], known: Reached) -> list[tuple[Mutant, str]]:
    """Run each mutant against its tests, as many at once as there are processors; print and return the results."""
    jobs = os.cpu_count() or 1
    copies: queue.SimpleQueue[Path] = queue.SimpleQueue()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, ThreadPoolExecutor(jobs) as pool:
        for number in range(jobs):
            copies.put(copied(root, Path(folder) / str(number)))

        def one(mutant: Mutant) -> tuple[Mutant, str]:
            copy, began, tests = copies.get(), time.monotonic(), tests_of(mutant, known)
            verdict = judged(mutant, tests, copy)
            copies.put(copy)
            spent = time.monotonic() - began
            print(f"{verdict:13} {spent:4.0f} s {len(tests):5} tests  {mutant}", flush=True)
            return mutant, verdict

        return list(pool.map(one, mutants))


def main() -> int:
    """Exit code 1 where a mutant survives."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutants")
    parser.add_argument("number", nargs="?", type=int, default=200)
    parser.add_argument("below", nargs="?", default="", help="a package or file below wizard/")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tests", nargs="*", help="the tests that are run (default: all that matter)")
    options = parser.parse_args()
    os.environ.pop("PYTHONPATH", None)  # the tests of the copy are about the copy
    os.environ.setdefault("APIMHA_SHARED", str(ROOT.parent / "shared"))
    tests = options.tests or ["tests", *(f"--ignore=tests/{one}" for one in APART)]
    mutants = chosen(ROOT, options.below, options.number, options.seed)
    print(f"{len(mutants)} mutants, seed {options.seed}")
    ended = run(ROOT, mutants, reached(ROOT, tests))
    alive = sorted((mutant, verdict) for mutant, verdict in ended if not verdict.startswith("killed"))
    print(f"\n{len(ended) - len(alive)} of {len(ended)} killed, seed {options.seed}; the others:")
    for mutant, verdict in alive:
        print(f"  {verdict:11}  {mutant}")
    return 1 if alive else 0


if __name__ == "__main__":
    raise SystemExit(main())
