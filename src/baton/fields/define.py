"""Defining custom fields: what an organization asks of its leads. Spec A5."""

import re
from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.fields.definition import COLUMNS, Definition, Stored, Type, read, stored, told
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict, Invalid, NotFound, must_be_current
from baton.kernel.operation import Input, Nothing, operation
from baton.kernel.shapes import Count, Label, Version
from baton.kernel.values import fold, new_id

MOST = 200
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
_CHOICES = ("select", "multiSelect")


class CreateField(Input, kw_only=True):
    """A field to define. The key is made of the label where none is given; `options` are for select and multiSelect."""

    label: Label
    type: Type
    key: Annotated[str, Meta(max_length=100, extra_json_schema={"pattern": "^[A-Za-z][A-Za-z0-9_]{0,62}$"})] | None = (
        None
    )
    options: Annotated[list[Label], Meta(max_length=200)] = []
    required: bool = False


class UpdateField(Input, kw_only=True):
    """What of a field to change; absent parts stay. Key and type never change: leads hold values of them."""

    field_id: UUID
    version: Version | None = None
    label: Label | UnsetType = UNSET
    options: Annotated[list[Label], Meta(max_length=200)] | UnsetType = UNSET
    required: bool | UnsetType = UNSET
    position: Count | UnsetType = UNSET
    archived: bool | UnsetType = UNSET


class ArchiveField(Input, kw_only=True):
    """The field that is no longer asked for. What leads hold stays."""

    field_id: UUID
    version: Version | None = None


@operation("crm.fields.list", kind="query", role=Role.VIEWER, summary="List the custom fields")
async def list_fields(tx: Tx, actor: Actor, input: Nothing) -> list[Definition]:
    """The organization's custom fields in their order, the archived among them."""
    return [told(each) for each in await read(tx)]


@operation("crm.fields.create", role=Role.ADMIN, summary="Define a custom field")
async def create(tx: Tx, actor: Actor, input: CreateField) -> Definition:
    """Define a field. Raises Invalid for a label, key or options, Conflict for a key that is taken."""
    label, key = _label(input.label), input.key or _key_of(input.label)
    if not _KEY.fullmatch(key):
        raise Invalid("A key is letters, digits and underscores, a letter first, at most 63.", field="key")
    options = _options(input.type, input.options)
    known = await read(tx)
    if key in {each.key for each in known}:
        raise Conflict(f"There is a field with the key “{key}” already. Restore or change that one.", field="key")
    if len(known) >= MOST:
        raise Conflict(f"An organization has at most {MOST} custom fields.")
    id, position = new_id(), 1 + max((each.position for each in known), default=0)
    await tx.execute(
        """INSERT INTO field_definitions (org_id, id, key, label, type, options, required, position, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        tx.org_id, id, key, label, input.type, options, input.required, position, tx.now,
    )  # fmt: skip
    made = await get(tx, id)
    payload = {"name": label, "key": key, "type": input.type}
    await append(
        tx, actor, Entry(kind=kinds.CUSTOM_FIELD_CREATED, subject_type="custom_field", subject_id=id, payload=payload)
    )
    return told(made)


@operation("crm.fields.update", role=Role.ADMIN, summary="Change a custom field")
async def update(tx: Tx, actor: Actor, input: UpdateField) -> Definition:
    """Change a field's label, options, place, or whether it is required or archived. Raises NotFound, Invalid, Conflict.

    An option that is taken away stays where leads hold it, and can be chosen no more.
    """
    before = await get(tx, input.field_id, lock=True)
    must_be_current("The field", before.version, input.version)
    label = before.label if input.label is UNSET else _label(input.label)
    options = before.options if input.options is UNSET else _options(before.type, input.options)
    required = before.required if input.required is UNSET else input.required
    position = before.position if input.position is UNSET else input.position
    archived_at = before.archived_at
    if input.archived is not UNSET and input.archived != (archived_at is not None):
        archived_at = tx.now if input.archived else None
    if not 0 <= position < 2**31:
        raise Invalid("A position is a number from 0 up.", field="position")
    await tx.execute(
        """UPDATE field_definitions SET label = $3, options = $4, required = $5, position = $6, archived_at = $7, version = version + 1
            WHERE org_id = $1 AND id = $2""",
        tx.org_id, before.id, label, options, required, position, archived_at,
    )  # fmt: skip
    after = await get(tx, before.id)
    await _tell(tx, actor, before, after)
    return told(after)


@operation("crm.fields.archive", role=Role.ADMIN, summary="Archive a custom field")
async def archive(tx: Tx, actor: Actor, input: ArchiveField) -> Definition:
    """Ask for a field no more. Raises NotFound, Conflict for a stale version."""
    return await update(tx, actor, UpdateField(field_id=input.field_id, version=input.version, archived=True))


async def get(tx: Tx, id: UUID, *, lock: bool = False) -> Stored:
    """A definition, locked until the transaction ends if asked. Raises NotFound."""
    locking = "FOR NO KEY UPDATE" if lock else ""
    row = await tx.fetchrow(
        f"SELECT {COLUMNS} FROM field_definitions WHERE org_id = $1 AND id = $2 {locking}", tx.org_id, id
    )
    if row is None:
        raise NotFound("There is no such field in your organization.", field="fieldId")
    return stored(row)


async def _tell(tx: Tx, actor: Actor, before: Definition, after: Definition) -> None:
    pairs: dict[str, list[Any]] = {
        "label": [before.label, after.label],
        "options": [before.options, after.options],
        "required": [before.required, after.required],
        "position": [before.position, after.position],
        "archived": [before.archived_at is not None, after.archived_at is not None],
    }
    changes = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    await append(
        tx, actor,
        Entry(kind=kinds.CUSTOM_FIELD_CHANGED, subject_type="custom_field", subject_id=after.id, changes=changes,
              payload={"name": after.label, "key": after.key}),
    )  # fmt: skip


def _label(text: str) -> str:
    label = text.strip()
    if not label or len(label) > 100:
        raise Invalid("A field needs a label of at most 100 characters.", field="label")
    return label


def _key_of(label: str) -> str:
    """A key made of a label: "Annual revenue (€)" becomes annual_revenue."""
    key = re.sub(r"[^a-z0-9]+", "_", fold(label).encode("ascii", "ignore").decode()).strip("_")[:60]
    return key if key[:1].isalpha() else f"field_{key}".rstrip("_")


def _options(type: Type, given: list[str]) -> list[str]:
    options = list(dict.fromkeys(option.strip() for option in given))
    if type not in _CHOICES:
        if options:
            raise Invalid("Only select and multiSelect have options.", field="options")
        return []
    folded = {option.casefold() for option in options}
    if not 1 <= len(options) <= 200 or len(folded) != len(options) or any(not 1 <= len(o) <= 100 for o in options):
        raise Invalid("Give 1 to 200 different options, each of at most 100 characters.", field="options")
    if type == "multiSelect" and any(re.search(r"[;,|]", option) for option in options):
        raise Invalid("An option of a multiSelect holds no comma, semicolon or bar.", field="options")
    return options
