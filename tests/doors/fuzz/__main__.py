"""`make fuzz`: schemathesis against a server of its own, for as long as one likes.

make fuzz ARGS="--max-time 1200 --seed 7"
"""

import asyncio
import shutil
import socket
import sys
import tempfile
from pathlib import Path

import uvicorn

from baton.doors.app import create_app
from baton.kernel import settings as configuration
from baton.kernel.db import Database
from baton.kernel.embedded import EmbeddedPostgres
from baton.kernel.installation import installation
from baton.kernel.migrate import migrate
from tests.doors.conftest import client_of, token_of
from tests.doors.fuzz.run import schemathesis
from tests.team import make_team

UNLIMITED = {"BATON_CAPTURE_PER_ADDRESS": "0", "BATON_CAPTURE_PER_ORGANIZATION": "0"}


async def main(arguments: list[str]) -> int:
    """Start a database and a server, run schemathesis with the arguments, and answer its exit code."""
    folder = Path(tempfile.mkdtemp(prefix="baton-fuzz-"))
    folder.chmod(0o711)
    try:
        with EmbeddedPostgres(folder) as server:
            settings = configuration.load(data=folder, environ=UNLIMITED).with_database(server.dsn())
            await migrate(server.dsn(), settings)
            db = Database(settings.app_dsn or "", settings.relay_dsn or "", installation=installation(settings))
            await db.open()
            app = create_app(settings, db)
            taken = socket.socket()
            taken.bind(("127.0.0.1", 0))
            serving = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, proxy_headers=False))
            running = asyncio.create_task(serving.serve(sockets=[taken]))
            async with client_of(app) as http:
                token = await token_of(http, await make_team(db), "olivia")
            code, told = await schemathesis(f"http://127.0.0.1:{taken.getsockname()[1]}", token, *arguments)
            sys.stdout.write(told)
            serving.should_exit = True
            await running
            await db.close()
            return code
    finally:
        shutil.rmtree(folder)


sys.exit(asyncio.run(main(sys.argv[1:] or ["--max-time", "600"])))
