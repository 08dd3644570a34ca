"""Every write that takes a version refuses a stale one, said in If-Match or in the body. SPEC, "Concurrency"."""

import json

import pytest

from baton.kernel.operation import registry
from tests.doors.conftest import Caller
from tests.operations import test_every_operation as every
from tests.operations.cases import cases
from tests.team import Team

STALE = 987_654_321
VERSIONED = sorted(
    name
    for name, case in cases.items()
    if "version" in (op := registry[name]).input.__struct_fields__ and op.kind == "mutation" and not op.internal
    if op.role is not None
)


@pytest.mark.parametrize("name", VERSIONED)
async def test_a_stale_version_is_a_conflict(team: Team, ana: Caller, ben: Caller, vera: Caller, name: str) -> None:
    """By its header and by its field, 409; two that differ, and what is no version, 400."""
    who = {team.vera.id: vera, team.ben.id: ben}.get(every.performer(team, registry[name]).id, ana)
    input = json.loads(json.dumps(await cases[name].make(team), default=str))
    input.pop("version", None)
    path = f"/api/v1/{name}"
    by_header = await who.call("POST", path, input, headers={"if-match": f'"{STALE}"'})
    assert by_header.status_code == 409, by_header.text
    by_field = await who.call("POST", path, input | {"version": STALE})
    assert by_field.status_code == 409, by_field.text
    both = await who.call("POST", path, input | {"version": STALE}, headers={"if-match": '"1"'})
    assert both.status_code == 400, both.text
    assert (await who.call("POST", path, input, headers={"if-match": "newest"})).status_code == 400
