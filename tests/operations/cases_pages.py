"""The cases of what the pages read besides: the history of a pipeline."""

from tests.operations.cases import Case, Input, cases
from tests.team import Team


async def _intake(team: Team) -> Input:
    pipelines = await team.do(team.ana, "crm.pipelines.list")
    return {"pipelineId": str(next(p.id for p in pipelines if p.is_intake))}


cases["crm.leads.history"] = Case(_intake)
