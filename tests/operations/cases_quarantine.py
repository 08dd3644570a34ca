"""Cases of the operations on held captures."""

from baton.activities import kinds
from baton.kernel.perform import perform
from tests.operations.cases import Case, Input, _nothing, case, cases
from tests.team import Team

cases["crm.quarantine.list"] = Case(_nothing, foreign=False)


@case("crm.forms.hold", kinds.CAPTURE_HELD)
async def _hold(team: Team) -> Input:
    values = {"firstName": "Ingrid", "lastName": "Solberg", "email": "ingrid@fjord.example"}
    return {
        "address": team.started.form_address,
        "values": values,
        "reasons": ["A trap was filled in."],
        "network": "192.0.2.1",
    }


async def _held(team: Team) -> Input:
    made = await perform(team.db, team.form, "crm.forms.hold", await _hold(team))
    return {"captureId": str(made.id)}


cases["crm.quarantine.release"] = Case(_held, (kinds.CAPTURE_RELEASED, kinds.LEAD_IMPORTED))
cases["crm.quarantine.discard"] = Case(_held, (kinds.CAPTURE_DISCARDED,))
