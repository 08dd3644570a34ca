"""The data directory: where it is, what is private in it, and who holds it just now."""

import fcntl
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from baton.kernel.errors import BatonError


class Misconfigured(BatonError):
    """Baton cannot start with this configuration, data directory or machine; the message says what to change."""

    code = "MISCONFIGURED"
    status = 500


def find(given: Path | str | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """The data directory: as given, else BATON_DATA, else the nearest `.baton` of ours at or above the current folder,
    else `$XDG_DATA_HOME/baton` (`~/.local/share/baton`)."""
    named = given or environ.get("BATON_DATA")
    if named:
        return Path(named).expanduser().absolute()
    here = Path.cwd()
    for folder in (here, *here.parents):
        candidate = folder / ".baton"
        if candidate.is_dir() and candidate.stat().st_uid == os.geteuid():
            return candidate
    home = environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(home).expanduser().absolute() / "baton"


def ensure(path: Path) -> Path:
    """Make the directory if it is absent: 0700, and 0711 for root, whose database runs as another user beneath it.

    A directory that exists keeps its mode. Raises Misconfigured where it cannot be made or written.
    """
    try:
        if not path.is_dir():
            path.mkdir(parents=True)
            path.chmod(0o711 if os.geteuid() == 0 else 0o700)
    except OSError as error:
        why = f"The data directory {path} cannot be made: {error.strerror}. Choose another with --data."
        raise Misconfigured(why) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise Misconfigured(f"The data directory {path} cannot be written by this user. Choose another with --data.")
    return path


def belong(path: Path) -> None:
    """Give a file that root made to the owner of its directory, so that this user can go on without root."""
    if os.geteuid() == 0:
        folder = path.parent.stat()
        os.chown(path, folder.st_uid, folder.st_gid)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads (0600), whole or not at all."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        _write_new(draft, text)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise Misconfigured(f"{path} cannot be written: {error.strerror}.") from error


def secret(path: Path) -> str:
    """The secret in this file; made at random (256 bits, hexadecimal) the first time, whoever comes first."""
    if not path.exists():
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            _write_new(draft, secrets.token_hex(32) + "\n")
            # A link fails where the file exists by now: another process was first, and its secret holds.
            os.link(draft, path)
        except FileExistsError:
            pass
        except OSError as error:
            raise Misconfigured(f"{path} cannot be written: {error.strerror}.") from error
        finally:
            draft.unlink(missing_ok=True)
    try:
        kept = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}.") from error
    if len(kept) < 32:
        raise Misconfigured(f"{path} is damaged: it should hold a secret of 64 characters. Restore it from a backup.")
    return kept


def _write_new(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(handle)
    belong(path)


class Lock:
    """A lock on a file (flock): the system lets go of it when its holder ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._handle is not None

    def take(self, *, shared: bool = False, wait: bool = False) -> bool:
        """Take the lock, or turn a shared one into an exclusive one or back.

        False where others hold it and `wait` is not set; what this object held before, it holds then still.
        """
        if self._handle is None:
            try:
                handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            except OSError as error:
                raise Misconfigured(f"{self.path} cannot be opened: {error.strerror}.") from error
            belong(self.path)
        else:
            handle = self._handle
        try:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            if self._handle is None:
                os.close(handle)
            else:
                # A failed conversion may have dropped the lock that we held (flock(2)).
                fcntl.flock(handle, fcntl.LOCK_SH)
            return False
        self._handle = handle
        return True

    def release(self) -> None:
        """Let go."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def say(self, text: str) -> None:
        """Write who holds it, for those who come later."""
        if self._handle is not None:
            os.ftruncate(self._handle, 0)
            os.pwrite(self._handle, text.encode(), 0)

    def holder(self) -> str:
        """What the holder said of itself; empty where nothing was said."""
        try:
            return self.path.read_text(encoding="utf-8").strip()
        except OSError:
            return ""
