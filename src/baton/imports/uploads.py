"""Files that people bring: kept under random names below the data directory, by organization, never served, then removed."""

import hashlib
import re
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

from baton.kernel.data_dir import belong
from baton.kernel.errors import Invalid, NotFound, TooLarge, Unavailable

_NAME = re.compile(r"[0-9a-f]{32}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_FORGOTTEN = 7 * 86_400
"""Seconds after which a file that was never imported is removed."""


class Uploads:
    """The files of one organization. `data_dir` is the installation's; workers on other machines share it."""

    def __init__(self, data_dir: Path | None, org_id: UUID) -> None:
        if data_dir is None:
            raise Unavailable("This process was started without a data directory, so it keeps no files.")
        self._folder = data_dir / "imports" / str(org_id)

    def path(self, name: str) -> Path:
        """Where the file of that name lies. Raises NotFound for a name that is not one of ours, or a file that is gone."""
        path = self._folder / name
        if not _NAME.fullmatch(name) or path.is_symlink() or not path.is_file():
            raise NotFound("The file is not here any more. Bring it again.")
        return path

    async def receive(self, chunks: AsyncIterator[bytes], *, most: int, key: str | None = None) -> tuple[str, int]:
        """Write what arrives to a new file, answering its name and size in bytes.

        The same content under the same `key` (one that only its caller knows) gets the same name. Raises TooLarge beyond
        `most`, Invalid for an empty file.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        belong(self._folder)
        self._forget()
        name = secrets.token_hex(16)
        path = self._folder / name
        size, digest = 0, hashlib.sha256(b"" if key is None else key.encode())
        try:
            with path.open("xb", buffering=1 << 20) as file:
                path.chmod(0o600)
                async for chunk in chunks:
                    size += len(chunk)
                    if size > most:
                        raise TooLarge(f"A file may have up to {most:,} bytes; split it.", field="file")
                    digest.update(chunk)
                    file.write(chunk)
            if not size:
                raise Invalid("The file is empty.", field="file")
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        belong(path)
        if key is not None:
            name = digest.hexdigest()[:32]
            path.replace(self._folder / name)
        return name, size

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        if _NAME.fullmatch(name):
            (self._folder / name).unlink(missing_ok=True)

    def _forget(self) -> None:
        before = time.time() - _FORGOTTEN
        for path in self._folder.iterdir():
            if path.stat().st_mtime < before:
                path.unlink(missing_ok=True)


def told_name(name: str | None) -> str:
    """A file's name as it is told to people: the last part of any path, without what cannot be seen, at most 200 characters."""
    last = re.split(r"[/\\]", _UNPRINTABLE.sub("", name or ""))[-1].strip()
    return last[-200:] or "file"
