"""Programs for tests: run one that must succeed, and write one as a shell script."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any


def must(*command: str | Path, code: int | None = 0, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command without input that must end with this exit code (None: any); `options` as of `subprocess.run`."""
    fixed = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
    done = subprocess.run([str(word) for word in command], **{**fixed, **options}, check=False)
    ended = f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    assert code in (None, done.returncode), ended
    return done


def script(path: Path, text: str) -> Path:
    """Write an executable shell script, and its folder where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path
