"""The cases of a person's desk: the inbox."""

from tests.operations.cases import Case, Input, cases
from tests.team import Team


async def _nothing(team: Team) -> Input:
    return {}


cases["crm.inbox.list"] = Case(_nothing, foreign=False)
cases["crm.inbox.counts"] = Case(_nothing, foreign=False)
