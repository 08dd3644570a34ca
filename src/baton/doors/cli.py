"""The command line: `baton up` and what else a person or a script does with an installation."""

import errno
import importlib.metadata
import os
import sys
from typing import Annotated

import asyncpg
from cyclopts import App, CycloptsError, Parameter

from baton.doors import commands, log, log_file, words
from baton.doors.commands import Data
from baton.doors.port import listen
from baton.doors.process import Parts, database_of, execute, holding, serve
from baton.kernel.data_dir import Misconfigured
from baton.kernel.errors import BatonError, Invalid
from baton.kernel.migrate import migrate
from baton.kernel.settings import DEFAULT_HOST, DEFAULT_PORT, Settings, load
from baton.kernel.sqlstate import translated

Port = Annotated[
    int | None, Parameter(help=f"The port to listen on ({DEFAULT_PORT}, or BATON_PORT); 0 takes a free one.")
]
Host = Annotated[str | None, Parameter(help=f"The address to listen on ({DEFAULT_HOST}, or BATON_HOST).")]

app = App(
    name="baton",
    help="""The CRM in which people and agents pass the baton.

    To look around: **baton up --demo**. To begin for real: **baton init**, then **baton up**.
    """,
    help_format="markdown",
    version=importlib.metadata.version("baton-crm"),
    result_action="return_none",
    exit_on_error=False,
    print_error=False,
)


@app.command(name="up", sort_key=1)
def up(
    *, demo: Annotated[bool, Parameter(negative="")] = False, port: Port = None, host: Host = None, data: Data = None
) -> None:
    """Start all of Baton: database (embedded, unless DATABASE_URL is set), migrations, pages, API and worker.

    Args:
        demo: Make the demo organization, if it is not there yet, and print how to sign in to it.
    """
    _serve("baton up", load(data=data, host=host, port=_port(port)), Parts(migrate=True, demo=demo))


@app.command(name="serve", sort_key=2)
def serve_(
    *,
    web_only: Annotated[bool, Parameter(negative="")] = False,
    port: Port = None,
    host: Host = None,
    data: Data = None,
) -> None:
    """Serve pages, API and worker on a database that `baton migrate` brought to this version.

    Args:
        web_only: Leave the worker to `baton worker`, here or on other machines.
    """
    _serve("baton serve", load(data=data, host=host, port=_port(port)), Parts(worker=not web_only))


@app.command(name="worker", sort_key=3)
def worker(*, data: Data = None) -> None:
    """Run a worker alone: agents, follow-ups, schedules. Start as many as there is work for."""
    with database_of(load(data=data)) as settings:
        execute(serve(settings, Parts(), None, lambda *_: words.done("The worker is running. Ctrl+C stops it.")))


@app.command(name="mcp", sort_key=9)
def mcp(
    *,
    url: Annotated[
        str, Parameter(help="The server's address; /mcp is added.")
    ] = f"http://{DEFAULT_HOST}:{DEFAULT_PORT}",
) -> None:
    """Speak the Model Context Protocol over stdin and stdout, for desktop clients: everything goes to a Baton server.

    The agent's token is in BATON_TOKEN.
    """
    from baton.doors.mcp import stdio

    token = os.environ.get("BATON_TOKEN", "").strip()
    if not token:
        raise Misconfigured("Set BATON_TOKEN to an agent's token: crm.credentials.create makes one (docs/agents.md).")
    stdio.run(url, token)


@app.command(name="migrate", sort_key=4)
def migrate_(*, data: Data = None) -> None:
    """Bring the database to this version: roles, tables, job queue. Changes nothing where that was done."""
    with database_of(load(data=data)) as settings:
        if settings.owner_dsn is None:
            raise Misconfigured("Migrations run as the database's owner: set DATABASE_URL.")
        moved = execute(migrate(settings.owner_dsn, settings))
    if moved.before == moved.after:
        words.done(f"The database is at revision {moved.after} already.")
    else:
        words.done(f"The database is at revision {moved.after} now; it was {moved.before or 'empty'}.")


app.command(commands.init, name="init", sort_key=5)
app.command(commands.demo, name="demo", sort_key=6)
app.command(commands.import_, name="import", sort_key=7)
app.command(commands.export, name="export", sort_key=8)
app.command(commands.reset_link, name="reset-link", sort_key=9)
app.command(log_file.app)


def _serve(command: str, settings: Settings, parts: Parts) -> None:
    with holding(settings, command):
        taken, settings = listen(settings)
        with taken, database_of(settings) as connected:
            execute(serve(connected, parts, taken, words.ready))
    words.tell("Baton has stopped.")


def _port(port: int | None) -> int | None:
    if port is not None and not 0 <= port <= 65_535:
        raise Misconfigured(f"A port is a number from 0 to 65535, and {port} is not.")
    return port


def main(arguments: list[str] | None = None) -> None:
    """Run the command line. Ends with 0, with 2 for what the person must change, 1 for what failed, 130 when interrupted."""
    log.begin()
    try:
        app(arguments)
    except CycloptsError as error:
        words.failed(f"{error} See: baton --help")
        sys.exit(2)
    except (BatonError, asyncpg.PostgresError, OSError) as error:
        if os.environ.get("BATON_DEBUG"):
            raise
        words.failed(_explained(error))
        sys.exit(2 if isinstance(error, (Misconfigured, Invalid)) else 1)
    except KeyboardInterrupt:
        words.tell("Stopped.")
        sys.exit(130)


def _explained(error: BatonError | asyncpg.PostgresError | OSError) -> str:
    if isinstance(error, BatonError):
        return error.message
    if isinstance(error, asyncpg.PostgresError):
        known = translated(error)
        return known.message if known else f"The database refused: {error}"
    if error.errno == errno.ENOSPC:
        return "The disk is full. Make room and start again; what was saved is safe."
    return f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"


if __name__ == "__main__":
    main()
