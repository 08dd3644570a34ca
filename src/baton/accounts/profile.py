"""What a person changes of their own: name, time zone, language, password, and where they are signed in. Spec B9."""

from typing import Annotated

from msgspec import Meta

from baton.accounts import members
from baton.accounts.members import MIN_PASSWORD, EditMember, Member, Theme, member
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Forbidden, Invalid
from baton.kernel.operation import Input, Nothing, Output, operation
from baton.kernel.security import hash_password, verify_password
from baton.kernel.shapes import LanguageTag, Password, Zone
from baton.kernel.values import email_key


class EditProfile(Input, kw_only=True):
    """What of oneself to change; absent fields stay, an empty language is the browser's."""

    name: Annotated[str, Meta(max_length=200, pattern=r"\S")] | None = None
    time_zone: Zone | None = None
    language: LanguageTag | None = None
    theme: Theme | None = None


class SetPassword(Input, kw_only=True):
    """The password of today, and the one from now on."""

    current: Password
    new: Annotated[Password, Meta(extra_json_schema={"minLength": MIN_PASSWORD})]


class Ended(Output, kw_only=True):
    """How many sessions ended."""

    sessions: int


@operation("crm.profile.get", kind="query", role=Role.VIEWER, summary="Read one's own profile")
async def get(tx: Tx, actor: Actor, input: Nothing) -> Member:
    """The member that the actor is. Raises Forbidden for the system."""
    return await _own(tx, actor)


@operation("crm.profile.update", role=Role.VIEWER, summary="Change one's own profile")
async def update(tx: Tx, actor: Actor, input: EditProfile) -> Member:
    """Change one's own name, time zone, language or theme. Raises Invalid, Forbidden for who is no person."""
    own = await own_person(tx, actor)
    if input.name is not None and not (input.name.strip() and len(input.name) <= 200):
        raise Invalid("A name has 1 to 200 characters.", field="name")
    name = input.name.strip() if input.name is not None else None
    wish = EditMember(
        member_id=str(own.id), name=name, time_zone=input.time_zone, language=input.language, theme=input.theme
    )
    return await members.change(tx, actor, own, wish)


@operation("crm.profile.setPassword", role=Role.VIEWER, summary="Choose another password", secret=True)
async def set_password(tx: Tx, actor: Actor, input: SetPassword) -> Ended:
    """Choose another password; every session of this organization ends. Raises Invalid where the current one is wrong."""
    own = await own_person(tx, actor)
    row = await tx.fetchrow("SELECT id, password_hash FROM directory_person($1)", email_key(own.email or ""))
    if row is None or not await verify_password(input.current[:1000], row["password_hash"]):
        raise Invalid("This is not your password of today.", field="current")
    if not MIN_PASSWORD <= len(input.new) <= 1000:
        raise Invalid(f"A password has at least {MIN_PASSWORD} characters.", field="new")
    await tx.execute("SELECT directory_set_password($1, $2)", row["id"], await hash_password(input.new))
    return await _end(tx, actor, own, kinds.PASSWORD_CHANGED)


@operation("crm.profile.signOutEverywhere", role=Role.VIEWER, summary="Sign out everywhere")
async def sign_out_everywhere(tx: Tx, actor: Actor, input: Nothing) -> Ended:
    """End every session of one's own in this organization; keys stay. Raises Forbidden for who is no person."""
    return await _end(tx, actor, await own_person(tx, actor), kinds.SESSIONS_ENDED)


async def _end(tx: Tx, actor: Actor, own: Member, kind: str) -> Ended:
    ended = await tx.fetchval("SELECT directory_end_sessions($1)", own.id)
    await append(tx, actor, Entry(kind=kind, subject_type="member", subject_id=own.id, payload={"sessions": ended}))
    return Ended(sessions=ended)


async def _own(tx: Tx, actor: Actor) -> Member:
    if actor.id is None:
        raise Forbidden("Only members have a profile.")
    return await member(tx, actor.id)


async def own_person(tx: Tx, actor: Actor) -> Member:
    """The person that the actor is. Raises Forbidden for agents and the system."""
    own = await _own(tx, actor)
    if own.kind != "person" or actor.type != "user":
        raise Forbidden("Only a person changes their own profile.")
    return own
