"""Members: who may be added, and that nobody gets into another organization by a password that they chose."""

import pytest

from baton.kernel.errors import Conflict
from tests.team import PASSWORD, Team


async def test_an_e_mail_that_signs_in_already_is_not_added(team: Team, carla: Team) -> None:
    """B9. An admin who chose a person's password must not get into the organization that adds the same person later."""
    for email in (carla.emails["ben"], carla.emails["ben"].upper(), team.emails["ben"]):
        with pytest.raises(Conflict, match="signs in here already"):
            await team.do(team.ana, "crm.members.addPerson", {"name": "Ben", "email": email, "password": PASSWORD})
