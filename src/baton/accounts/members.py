"""Members of an organization: people, and agents with a supervisor, working hours and capacity. Spec A6, B9."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from baton.accounts.hours import WorkingHours
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.activities.replay import difference
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Row, Tx, by_ref, struct_of
from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound, must_be_current
from baton.kernel.operation import Input, Nothing, Output, operation
from baton.kernel.security import hash_password
from baton.kernel.shapes import Count, Email, ExternalId, LanguageTag, Line, Name, Password, Version, Zone
from baton.kernel.values import Ref, email_address, email_key, new_id, time_zones

AgentKind = Literal["playbook", "model", "external"]
Theme = Literal["system", "light", "dark"]
MIN_PASSWORD = 10
COLUMNS = """id, kind, name, email, role, status, agent_kind, purpose, supervisor_id, time_zone, working_hours, capacity, external_id,
    language, theme, version"""


class Member(Output, kw_only=True):
    """A person or an agent in the organization. `capacity` is how many open leads it takes, none for no limit; `language` and
    `theme` are how a person reads, none for what the browser says."""

    id: UUID
    kind: Literal["person", "agent"]
    name: str
    email: str | None
    role: Role
    status: Literal["active", "paused", "removed"]
    agent_kind: AgentKind | None
    purpose: str | None
    supervisor_id: UUID | None
    time_zone: str
    working_hours: WorkingHours
    capacity: int | None
    external_id: str | None
    language: str | None
    theme: Theme | None
    version: int


class AddPerson(Input, kw_only=True):
    """A person to add, new to this installation; the password is what they sign in with first."""

    name: Name
    email: Email
    role: Role = Role.MEMBER
    password: Annotated[Password, Meta(min_length=MIN_PASSWORD)] | None = None
    time_zone: Zone = "UTC"
    capacity: Count | None = None
    external_id: ExternalId | None = None


class AddAgent(Input, kw_only=True):
    """An agent to add, under the supervision of a person. Its role is at most member."""

    name: Name
    agent_kind: AgentKind = "playbook"
    purpose: Line | None = None
    supervisor_id: Ref | None = None
    time_zone: Zone = "UTC"
    capacity: Count | None = None
    external_id: ExternalId | None = None


class EditMember(Input, kw_only=True):
    """What of a member to change; absent fields stay, an empty language is the browser's. Agents alone have a purpose and a
    supervisor, who is a person."""

    member_id: Ref
    version: Version | None = None
    name: Name | None = None
    purpose: Line | None = None
    supervisor_id: Ref | None = None
    role: Role | None = None
    status: Literal["active", "paused"] | None = None
    time_zone: Zone | None = None
    working_hours: WorkingHours | None = None
    capacity: Count | None = None
    language: LanguageTag | None = None
    theme: Theme | None = None


def from_row(row: Row) -> Member:
    """The member of a row."""
    return struct_of(row, Member)


@operation("crm.members.list", kind="query", role=Role.VIEWER, summary="List the members")
async def list_members(tx: Tx, actor: Actor, input: Nothing) -> list[Member]:
    """The members that are not removed, people first, by name."""
    rows = await tx.fetch(
        f"SELECT {COLUMNS} FROM members WHERE org_id = $1 AND status <> 'removed' ORDER BY kind DESC, name, id",
        tx.org_id,
    )
    return [from_row(row) for row in rows]


async def member(tx: Tx, ref: Ref | UUID) -> Member:
    """A member by id or external id. Raises NotFound, also for a removed one."""
    where, value = by_ref(str(ref))
    row = await tx.fetchrow(
        f"SELECT {COLUMNS} FROM members WHERE org_id = $1 AND {where} AND status <> 'removed'", tx.org_id, value
    )
    if row is None:
        raise NotFound("There is no such member in your organization.", field="memberId")
    return from_row(row)


@operation("crm.members.addPerson", role=Role.ADMIN, summary="Add a person")
async def add_person(tx: Tx, actor: Actor, input: AddPerson) -> Member:
    """Add a person with a role. Raises Invalid, Conflict for a known e-mail, Forbidden for an owner by an admin."""
    may_grant(actor, input.role)
    address = email_address(input.email)
    if not input.name.strip():
        raise Invalid("A member needs a name.", field="name")
    if input.password is not None and len(input.password) < MIN_PASSWORD:
        raise Invalid(f"A password has at least {MIN_PASSWORD} characters.", field="password")
    hashed = await hash_password(input.password) if input.password else None
    new = new_id()
    person_id = await tx.fetchval(
        "SELECT directory_add_person($1, $2, $3, $4, $5)", new, email_key(address), address, input.name.strip(), hashed
    )
    if person_id != new and actor.type != "system":
        # Somebody else chose this person's password: they must not get into another organization by it.
        raise Conflict(
            "This e-mail address signs in here already. Invite it: it joins with the password that it has.",
            field="email",
        )
    if hashed and person_id == new:
        await tx.execute("SELECT directory_note_given($1)", person_id)
    return await _added(
        tx, actor, kind="person", person_id=person_id, name=input.name.strip(), email=address, role=input.role,
        time_zone=input.time_zone, capacity=input.capacity, external_id=input.external_id,
    )  # fmt: skip


@operation("crm.members.addAgent", role=Role.ADMIN, summary="Add an agent")
async def add_agent(tx: Tx, actor: Actor, input: AddAgent) -> Member:
    """Add an agent; whoever adds it supervises it unless another person is named. Raises Invalid, NotFound."""
    if not input.name.strip():
        raise Invalid("An agent needs a name.", field="name")
    supervisor = await member(tx, input.supervisor_id) if input.supervisor_id else None
    if supervisor is not None and supervisor.kind != "person":
        raise Invalid("An agent's supervisor is a person.", field="supervisorId")
    return await _added(
        tx, actor, kind="agent", name=input.name.strip(), role=Role.MEMBER, agent_kind=input.agent_kind, purpose=input.purpose,
        supervisor_id=supervisor.id if supervisor else (actor.id if actor.type == "user" else None), time_zone=input.time_zone,
        capacity=input.capacity, external_id=input.external_id,
    )  # fmt: skip


async def insert(tx: Tx, id: UUID, **values: Any) -> None:
    """Insert a member's row, and a person's way to it. Who may, was checked; the activity is the caller's."""
    _must_be_zone(values["time_zone"])
    names = ", ".join(values)
    parameters = ", ".join(f"${index}" for index in range(4, 4 + len(values)))
    await tx.execute(
        f"INSERT INTO members (org_id, id, created_at, {names}) VALUES ($1, $2, $3, {parameters})",
        tx.org_id,
        id,
        tx.now,
        *values.values(),
    )
    if values.get("person_id"):
        await tx.execute("SELECT directory_add_membership($1, $2)", values["person_id"], id)


async def _added(tx: Tx, actor: Actor, **values: Any) -> Member:
    id = new_id()
    await insert(tx, id, **values)
    added = await member(tx, id)
    await append(
        tx, actor,
        Entry(kind=kinds.MEMBER_ADDED, subject_type="member", subject_id=id,
              payload={"name": added.name, "kind": added.kind, "role": added.role}),
    )  # fmt: skip
    return added


@operation("crm.members.update", role=Role.ADMIN, summary="Change a member")
async def update(tx: Tx, actor: Actor, input: EditMember) -> Member:
    """Change a member's name, role, state, hours or capacity. Raises Forbidden where an admin would change an owner."""
    before = await member(tx, input.member_id)
    may_grant(actor, before.role)
    must_be_current("The member", before.version, input.version)
    if input.role is not None:
        may_grant(actor, input.role)
        if before.kind == "agent" and input.role.admits(Role.ADMIN):
            raise Forbidden("An agent cannot be an admin.")
    return await change(tx, actor, before, input)


async def change(tx: Tx, actor: Actor, before: Member, input: EditMember) -> Member:
    """Write what was asked of a member and tell it; who may ask was checked. Raises Invalid for a time zone."""
    if input.time_zone is not None:
        _must_be_zone(input.time_zone)
    supervisor = await _supervisor(tx, before, input)
    given = {
        f: v
        for f in ("name", "role", "status", "time_zone", "working_hours", "capacity", "purpose", "theme")
        if (v := getattr(input, f)) is not None
    } | ({"supervisor_id": supervisor} if supervisor else {})
    if input.language is not None:
        given["language"] = input.language or None
    after = msgspec.structs.replace(before, **given)
    changes = difference(msgspec.to_builtins(before), msgspec.to_builtins(after))
    await tx.execute(
        """UPDATE members SET name = $3, role = $4, status = $5, time_zone = $6, working_hours = $7, capacity = $8, purpose = $9,
                  supervisor_id = $10, language = $11, theme = $12, version = version + 1
            WHERE org_id = $1 AND id = $2""",
        tx.org_id, before.id, after.name, after.role, after.status, after.time_zone, after.working_hours, after.capacity,
        after.purpose, after.supervisor_id, after.language, after.theme,
    )  # fmt: skip
    await append(
        tx, actor, Entry(kind=kinds.MEMBER_CHANGED, subject_type="member", subject_id=before.id, changes=changes)
    )
    return await member(tx, before.id)


async def _supervisor(tx: Tx, before: Member, input: EditMember) -> UUID | None:
    """The supervisor to be, if one is named. Raises Invalid for a person's, and for one who is no person."""
    if before.kind == "person" and (input.supervisor_id or input.purpose):
        raise Invalid("Agents alone have a purpose and a supervisor.", field="supervisorId")
    if input.supervisor_id is None:
        return None
    found = await member(tx, input.supervisor_id)
    if found.kind != "person":
        raise Invalid("An agent's supervisor is a person.", field="supervisorId")
    return found.id


def may_grant(actor: Actor, role: Role) -> None:
    """Raise Forbidden where somebody else than an owner would make, change or remove one."""
    if role == Role.OWNER and actor.role != Role.OWNER:
        raise Forbidden("Only an owner adds, changes or removes an owner.")


def _must_be_zone(name: str) -> None:
    if name not in time_zones():
        raise Invalid("A time zone is an IANA name such as Europe/Berlin.", field="timeZone")
