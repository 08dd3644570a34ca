"""The running server: asked by a real connection, launched, waited for and ended by PostgreSQL's own programs."""

import contextlib
import enum
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from baton.kernel import data_dir
from baton.kernel.data_dir import Misconfigured
from baton.kernel.embedded.cluster import SUPERUSER
from baton.kernel.embedded.place import Place, launch
from baton.kernel.errors import Unavailable

# How long a server may give no sign of progress, in seconds; recovery as a whole may take as long as it needs.
PATIENCE = 120.0
_BUSY = ("starting up", "shutting down", "recovery", "not yet accepting")
_SILENT = ("No such file", "refused", "closed the connection", "timeout expired", "reset by peer")
_FULL = ("too many clients", "remaining connection slots")


class Answer(enum.Enum):
    """What a connection found."""

    READY = "ready"
    BUSY = "starting or stopping"
    SILENT = "nobody listens"


@dataclass(slots=True)
class Server:
    """The server of one cluster, whoever started it."""

    place: Place
    password: str
    process: "subprocess.Popen[bytes] | None" = None

    def ask(self) -> Answer:
        """Connect as the superuser and see that this is our cluster: a process id or a socket alone proves nothing."""
        asked = self.psql("show data_directory")
        said = asked.stderr.strip()
        if asked.returncode == 0:
            if os.path.samefile(asked.stdout.strip(), self.place.cluster):
                return Answer.READY
            raise Misconfigured(f"Another database listens in {self.place.sockets}: {asked.stdout.strip()}.")
        if any(words in said for words in _BUSY):
            return Answer.BUSY
        if any(words in said for words in _SILENT):
            return Answer.SILENT
        if any(words in said for words in _FULL):
            return Answer.READY
        if "password authentication failed" in said:
            raise Misconfigured("The file postgres.password does not hold this database's password. Restore it.")
        raise Unavailable(f"The embedded database does not answer: {said}")

    def alive(self) -> bool:
        """Whether its process lives; says nothing of whether it answers."""
        pid = _pid(self.place.cluster / "postmaster.pid")
        return pid is not None and _serves(pid, self.place.cluster)

    def psql(self, sql: str) -> "subprocess.CompletedProcess[str]":
        """Run statements as the superuser."""
        options = ("-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-")
        where = ("-h", str(self.place.sockets), "-U", SUPERUSER, "-d", SUPERUSER)
        return self.place.run("psql", *options, *where, stdin=sql, PGPASSWORD=self.password, PGCONNECT_TIMEOUT="10")

    def end_leftover(self, tell: Callable[[str], None]) -> bool:
        """Deal with what an earlier run left: True where its server serves after all.

        A server that is starting or stopping is waited for, one that cannot be reached is ended. A pid file that names
        somebody else's process is set right, so that PostgreSQL does not take that process for a server.
        """
        pid_file = self.place.cluster / "postmaster.pid"
        watch = _Progress(self.place.cluster)
        while (pid := _pid(pid_file)) is not None and _serves(pid, self.place.cluster):
            answer = self.ask()
            if answer is Answer.READY:
                return True
            if answer is Answer.SILENT and watch.idle() > 3:
                tell("Stopping a database server that nobody can reach …")
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGINT)
            if watch.idle() > PATIENCE:
                raise Unavailable(f"The database's process {pid} neither answers nor ends. Stop it and start again.")
            time.sleep(0.2)
        if pid is None:
            pid_file.unlink(missing_ok=True)
        elif psutil.pid_exists(pid):
            # The other lines stay: by them PostgreSQL makes sure that no child of the dead server is left. It passes
            # over the pid of its own parent, which we are.
            with contextlib.suppress(FileNotFoundError):  # it has just ended in good order after all
                lines = pid_file.read_text(encoding="utf-8").splitlines(keepends=True)
                pid_file.write_text("".join([f"{os.getpid()}\n", *lines[1:]]), encoding="utf-8")
        for name in (".s.PGSQL.5432.lock", ".s.PGSQL.5432"):
            (self.place.sockets / name).unlink(missing_ok=True)
        return False

    def launch(self, tell: Callable[[str], None]) -> None:
        """Start the server in a session of its own, so that it outlives us, and wait as long as it makes progress."""
        began, told = time.monotonic(), False
        watch = _Progress(self.place.cluster)
        self.process = self._spawn()
        while self.ask() is not Answer.READY:
            if self.process.poll() is not None:
                # Children of a killed server end a moment after it; until then PostgreSQL refuses to start.
                if "still in use" not in self._last_words() or time.monotonic() - began > 30:
                    raise Unavailable(f"The database does not start: {self._last_words() or 'it gave no reason'}")
                time.sleep(0.5)
                self.process = self._spawn()
            if watch.idle() > PATIENCE:
                raise Unavailable(f"The database makes no progress in starting: {self._last_words()}")
            if not told and time.monotonic() - began > 5:
                told = True
                tell("The database was not stopped in good order and is recovering; this can take minutes …")
            time.sleep(0.03)

    def halt(self) -> None:
        """End the server in good order: transactions are rolled back, everything else is on disk."""
        ended = self.place.run("pg_ctl", "stop", "-D", str(self.place.cluster), "-m", "fast", "-w", "-t", "300")
        if ended.returncode != 0 and (self.place.cluster / "postmaster.pid").exists():
            raise Unavailable(f"The embedded database does not stop: {ended.stderr.strip() or ended.stdout.strip()}")
        if self.process is not None:
            self.process.wait()

    def _spawn(self) -> "subprocess.Popen[bytes]":
        command = [str(self.place.binaries / "postgres"), "-D", str(self.place.cluster)]
        log = self.place.cluster / "start.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **launch(self.place.account),
            )
        data_dir.belong(log)
        return process

    def _last_words(self) -> str:
        logs = [self.place.cluster / "start.log", *(self.place.cluster / "log").glob("*.log")]
        newest = max((path for path in logs if path.exists()), key=lambda path: path.stat().st_mtime)
        wanted = ("FATAL", "ERROR", "HINT", "DETAIL", "PANIC")
        lines = newest.read_text(encoding="utf-8", errors="replace").splitlines()[-50:]
        return " ".join(line.strip() for line in lines if any(word in line for word in wanted))[-1000:]


class _Progress:
    """Whether a starting or stopping server still writes to its log."""

    def __init__(self, cluster: Path) -> None:
        self._cluster = cluster
        self._seen = -1
        self._since = time.monotonic()

    def idle(self) -> float:
        """Seconds since something was written."""
        logs = (self._cluster / "start.log", *(self._cluster / "log").glob("*.log"))
        written = sum(path.stat().st_size for path in logs if path.exists())
        if written != self._seen:
            self._seen, self._since = written, time.monotonic()
        return time.monotonic() - self._since


def _pid(pid_file: Path) -> int | None:
    try:
        return int(pid_file.read_text(encoding="utf-8").split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def _serves(pid: int, cluster: Path) -> bool:
    """Whether that process is a living PostgreSQL of this cluster: it works in the cluster's directory."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return process.name().startswith("postgres") and os.path.samefile(process.cwd(), cluster)
    except (psutil.Error, OSError):
        return False
