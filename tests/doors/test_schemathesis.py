"""The OpenAPI document tells the truth: schemathesis tries what it says, and what it does not, against a real server. Spec C1.

Every check and every phase, for a while; `make fuzz` runs longer. What it cannot know stands in `fuzz/rules.py`.
"""

import re

from starlette.applications import Starlette

from baton.doors.limits import Limit
from tests.doors.conftest import client_of, token_of
from tests.doors.fuzz.run import schemathesis
from tests.team import Team

SECONDS = 30


async def test_what_the_document_says_is_so(app: Starlette, address: str, fresh: Team) -> None:
    """No fault, no status, header or body that is not said, no wrong input taken and no right one refused, nobody let in."""
    limits = app.state.limits
    told_before = limits.capture_address, limits.capture_organization
    limits.capture_address, limits.capture_organization = Limit("address", 0), Limit("organization", 0)
    try:
        async with client_of(app) as http:
            token = await token_of(http, fresh, "olivia")
        code, told = await schemathesis(address, token, "--seed", "20261120", "--max-time", str(SECONDS))
    finally:
        limits.capture_address, limits.capture_organization = told_before
    assert code == 0, told[-20_000:]
    tested = re.search(r"Tested: (\d+)", told)
    assert tested
    assert int(tested[1]) > 150, told[-2_000:]
