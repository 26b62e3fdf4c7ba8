"""Read zip files from others, driver jars and C-Apps, without unpacking them.

The directory and each member are read up to a limit, whatever sizes the file claims: a directory of millions of entries
is refused before it is parsed, a member that inflates without end costs no more than what is asked of it.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from wizard.system.bounded import open_regular
from wizard.system.printable import quoted

if TYPE_CHECKING:
    from zipfile import ZipInfo

LARGEST_DIRECTORY = 4 * 1024 * 1024
"""Bytes; the directory of Connector/J has 60 kB, an entry at least 46 bytes."""
METHODS = (0, 8)
"""The compression methods of jars, stored and deflated; the others would be inflated without a limit."""

ENCRYPTED = 1


class BadArchive(Exception):
    """Why a zip file, or a member of it, cannot be read; the message is for people."""


class _BoundedFile(io.BufferedReader):
    """A file of which no more is read at once than the largest directory: zipfile reads a directory whole."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > LARGEST_DIRECTORY:
            raise BadArchive(f"its directory is too large (more than {LARGEST_DIRECTORY // 2**20} MB)")
        return super().read(LARGEST_DIRECTORY if size is None or size < 0 else size) or b""


class Archive:
    """An open zip file, to be used in a `with` statement.

    Raises `OSError` for a file that cannot be opened (see `open_regular`), `BadArchive` for what is wrong inside.
    """

    def __init__(self, path: Path) -> None:
        from zipfile import ZipFile  # most runs read no archive

        self._file = _BoundedFile(io.FileIO(open_regular(path)))
        try:
            self._zip = ZipFile(self._file)
        except Exception as problem:
            self._file.close()
            raise _bad(problem) from None
        self.members = self._zip.infolist()

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()
        self._file.close()

    def head(self, member: str | ZipInfo, most: int) -> bytes:
        """Return the first `most` bytes of a member.  Raises `BadArchive`, also if there is no such member."""
        try:
            info = self._zip.getinfo(member) if isinstance(member, str) else member
            if info.flag_bits & ENCRYPTED or info.compress_type not in METHODS:
                raise BadArchive("a member is encrypted, or compressed by a method that jars do not use")
            with self._zip.open(info) as stream:
                return stream.read(most)
        except Exception as problem:
            raise _bad(problem) from None


def _bad(problem: Exception) -> BadArchive:
    """Return any error of reading as `BadArchive`: what zipfile, zlib and struct raise is not documented anywhere."""
    if isinstance(problem, BadArchive):
        return problem
    return BadArchive(f"it is not a readable zip file: {quoted(str(problem), 100) or type(problem).__name__}")
