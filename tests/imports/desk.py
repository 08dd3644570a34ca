"""An organization with people at the REST door and its worker, for tests of files."""

from pathlib import Path
from typing import Any

import httpx2
from starlette.applications import Starlette
from tests.doors.conftest import Caller, caller
from tests.team import Team

V1 = "/api/v1"


class Desk:
    """An organization with people at the REST door, and its worker."""

    def __init__(self, app: Starlette, team: Team, http: httpx2.AsyncClient, people: dict[str, Caller]) -> None:
        self.team, self.http = team, http
        self.folder: Path = app.state.settings.data_dir / "imports" / str(team.org_id)
        self.ana, self.ben, self.vera = people["ana"], people["ben"], people["vera"]

    async def bring(
        self, text: str | bytes, *, who: Caller | None = None, name: str = "leads.csv", **fields: str
    ) -> Any:
        """Bring a file, let the worker read it, and answer the import as it stands then."""
        answer = await self.post(text, who=who, name=name, **fields)
        assert answer.status_code == 201, answer.text
        await self.team.run_due()
        return await (who or self.ben).ok("GET", answer.headers["location"])

    async def post(
        self,
        text: str | bytes,
        *,
        who: Caller | None = None,
        name: str = "leads.csv",
        key: str | None = None,
        **fields: str,
    ) -> httpx2.Response:
        """Bring a file."""
        content = text.encode() if isinstance(text, str) else text
        headers = (who or self.ben).headers | ({"idempotency-key": key} if key else {})
        return await self.http.post(f"{V1}/imports", files={"file": (name, content)}, data=fields, headers=headers)

    async def act(self, verb: str, found: Any, *, who: Caller | None = None, **body: Any) -> Any:
        """Ask something of an import, let the worker do it, and answer the import as it stands then."""
        await (who or self.ben).ok("POST", f"{V1}/crm.imports.{verb}", {"importId": found["id"], **body})
        await self.team.run_due()
        return await (who or self.ben).ok("GET", f"{V1}/imports/{found['id']}")

    async def leads(self) -> list[Any]:
        """All leads, oldest first."""
        page = await self.team.do(self.team.ana, "crm.leads.find", limit=200, descending=False)
        return list(page.items)


async def open_desk(app: Starlette, http: httpx2.AsyncClient, team: Team) -> Desk:
    """The desk of an organization."""
    return Desk(app, team, http, {who: await caller(http, team, who) for who in ("ana", "ben", "vera")})
