"""Running schemathesis over the OpenAPI document of a server, with every check and every phase."""

import asyncio
import sys
from pathlib import Path


async def schemathesis(
    address: str, token: str, *more: str, phases: str = "examples,coverage,fuzzing,stateful"
) -> tuple[int, str]:
    """Its exit code (0 where nothing was found) and what it says. `more` are arguments of its command line.

    Signing out is left to `test_auth.py`: it would end the token that all else is asked with. That is best an owner's,
    whom nobody can remove.
    """
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("st")), "run", f"{address}/api/openapi.json", "--header", f"Authorization: Bearer {token}",
        "--checks", "all", "--phases", phases, "--continue-on-failure", "--no-shrink", "--warnings", "off", "--no-color",
        "--exclude-operation-id", "signOut", *more,
        cwd=Path(__file__).parent, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    told, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, told.decode()
