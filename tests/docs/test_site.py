"""The site is built without a warning: no page is left out, no link leads nowhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.cli import ROOT


def test_the_site_is_built_strictly(tmp_path: Path) -> None:
    site = tmp_path / "site"
    command = [sys.executable, *["-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir"], str(site)]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    text = (site / "reference/checks.html").read_text("utf-8")
    assert "mysql.charset" in text
    loaded = re.compile(r'<(?:script|link|img)[^>]*(?:src|href)="(https?://[^"]+)"')
    for page in site.rglob("*.html"):
        assert loaded.findall(page.read_text("utf-8")) == [], f"{page.name} needs the network"
