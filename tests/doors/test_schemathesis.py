"""The OpenAPI document tells the truth: schemathesis tries what it says, and what it does not, against a real server. Spec C1.

For a while, over document C's routes, files and what is most used; `make fuzz` tries all operations, in every phase, for longer, and
with every check: whether right data is taken is left to it, since rules that no schema says are found only in long runs (`fuzz/rules.py`).
"""

import re

from starlette.applications import Starlette

from baton.doors.limits import Limit
from tests.doors.conftest import client_of, token_of
from tests.doors.fuzz.run import schemathesis
from tests.team import Team

SECONDS = 30
TAGS = ["document C", "files", "sign-in", "pipelines", "contacts"]


async def test_what_the_document_says_is_so(app: Starlette, address: str, fresh: Team) -> None:
    """No fault, no status, header or body that is not said, no wrong input taken, nobody let in."""
    limits = app.state.limits
    told_before = limits.capture_address, limits.capture_organization
    limits.capture_address, limits.capture_organization = Limit("address", 0), Limit("organization", 0)
    try:
        async with client_of(app) as http:
            token = await token_of(http, fresh, "olivia")
        tags = [part for tag in TAGS for part in ("--include-tag", tag)]
        bounds = ("--seed", "20261120", "--max-time", str(SECONDS), "--exclude-checks", "positive_data_acceptance")
        code, told = await schemathesis(address, token, *tags, *bounds, phases="coverage,fuzzing,stateful")
    finally:
        limits.capture_address, limits.capture_organization = told_before
    assert code == 0, told[-20_000:]
    tested = re.search(r"Tested: (\d+)", told)
    assert tested
    assert int(tested[1]) > 10, told[-2_000:]
