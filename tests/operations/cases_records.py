"""Cases of contacts and companies that go, come back, or are erased."""

import secrets
from typing import Any

from baton.activities import kinds
from tests.operations.cases import Case, Input, _nothing, case, cases
from tests.team import Team


async def _contact(team: Team) -> Any:
    return await team.do(
        team.ben, "crm.contacts.create", {"name": "Rita Rey", "email": f"{secrets.token_hex(5)}@rey.example"}
    )


async def _company(team: Team) -> Any:
    return await team.do(team.ben, "crm.companies.create", {"name": f"Rey {secrets.token_hex(5)}"})


@case("crm.contacts.delete", kinds.CONTACT_REMOVED)
async def _delete(team: Team) -> Input:
    return {"contactId": str((await _contact(team)).id), "reason": "A test."}


@case("crm.contacts.restore", kinds.CONTACT_RESTORED)
async def _restore(team: Team) -> Input:
    gone = await _delete(team)
    await team.do(team.ana, "crm.contacts.delete", gone)
    return {"contactId": gone["contactId"]}


@case("crm.companies.delete", kinds.COMPANY_REMOVED)
async def _delete_company(team: Team) -> Input:
    return {"companyId": str((await _company(team)).id)}


@case("crm.companies.restore", kinds.COMPANY_RESTORED)
async def _restore_company(team: Team) -> Input:
    gone = await _delete_company(team)
    await team.do(team.ana, "crm.companies.delete", gone)
    return gone


@case("crm.contacts.erase", kinds.CONTACT_ERASED)
async def _erase(team: Team) -> Input:
    contact = await _contact(team)
    return {"contactId": str(contact.id), "confirm": contact.email}


cases["crm.pipelines.archived"] = Case(_nothing, foreign=False)


async def _pipeline(team: Team) -> Any:
    return await team.do(
        team.ana, "crm.pipelines.create", {"name": "Temporary", "stages": [{"name": "A"}, {"name": "B"}]}
    )


@case("crm.pipelines.restoreStage", kinds.STAGE_RESTORED)
async def _restore_stage(team: Team) -> Input:
    pipeline = await _pipeline(team)
    gone = {"stageId": str(pipeline.stages[0].id)}
    await team.do(team.ana, "crm.pipelines.removeStage", gone)
    return gone


@case("crm.pipelines.restore", kinds.PIPELINE_RESTORED)
async def _restore_pipeline(team: Team) -> Input:
    gone = {"pipelineId": str((await _pipeline(team)).id)}
    await team.do(team.ana, "crm.pipelines.delete", gone)
    return gone


cases["crm.log.seals"] = Case(_nothing, foreign=False)
