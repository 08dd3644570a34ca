"""Files that go with messages, out and in: bounded, and told only as bytes to save, never as a page."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx, struct_of
from baton.kernel.errors import Invalid, NotFound, TooLarge
from baton.kernel.operation import Input, Output, operation
from baton.kernel.shapes import Line
from baton.kernel.values import new_id
from baton.messages.compose import Part, safe_type

MAX_FILE = 10_000_000
MAX_ALL = 15_000_000
MAX_FILES = 20


class File(Output, kw_only=True):
    """A file of a message: its name, media type and size in bytes."""

    id: UUID
    name: str
    content_type: str
    size: int
    created_at: datetime


class FileContent(File, kw_only=True):
    """A file with its bytes (base64 in JSON)."""

    content: bytes


_BASE64 = {"minLength": 4, "pattern": "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"}  # RFC 4648


class AttachFile(Input, kw_only=True):
    """A file to send with a message later: its bytes (base64 in JSON), at most 10 MB."""

    name: Line
    content: Annotated[bytes, Meta(extra_json_schema=_BASE64)]
    content_type: Line = ""


class GetFile(Input, kw_only=True):
    """A file of a message."""

    file_id: UUID


_COLUMNS = "id, name, content_type, size, created_at"


def told_name(name: str) -> str:
    """A file's name without folders and control characters, at most 150 letters."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in last if letter.isprintable()).strip(". ")[-150:] or "file"


@operation("crm.emails.attach", role=Role.MEMBER, summary="Bring a file to send")
async def attach(tx: Tx, actor: Actor, input: AttachFile) -> File:
    """Keep a file for a message to come. Raises TooLarge, Invalid for an empty one."""
    if len(input.content) > MAX_FILE:
        raise TooLarge(f"A file has at most {MAX_FILE // 1_000_000} MB.", field="content")
    if not input.content:
        raise Invalid("The file is empty.", field="content")
    name = told_name(input.name)
    made = await keep(tx, name, input.content_type, input.content, created_by=actor.id)
    await append(
        tx, actor, Entry(kind=kinds.FILE_ATTACHED, subject_type="file", subject_id=made.id, payload={"name": name})
    )
    return made


async def keep(
    tx: Tx,
    name: str,
    content_type: str,
    content: bytes,
    *,
    created_by: UUID | None = None,
    inbound_id: UUID | None = None,
) -> File:
    """Keep the bytes of a file."""
    row = await tx.fetchrow(
        f"""INSERT INTO message_files (org_id, id, inbound_id, name, content_type, size, content, created_by, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING {_COLUMNS}""",
        tx.org_id, new_id(), inbound_id, told_name(name), safe_type(name, content_type), len(content), content, created_by, tx.now,
    )  # fmt: skip
    assert row is not None
    return struct_of(row, File)


@operation("crm.emails.file", kind="query", role=Role.VIEWER, summary="Read a file of a message")
async def read(tx: Tx, actor: Actor, input: GetFile) -> FileContent:
    """A file with its bytes; one that is not sent yet is its bringer's alone. Raises NotFound."""
    row = await tx.fetchrow(
        f"""SELECT {_COLUMNS}, content FROM message_files WHERE org_id = $1 AND id = $2
              AND (message_id IS NOT NULL OR inbound_id IS NOT NULL OR created_by IS NOT DISTINCT FROM $3)""",
        tx.org_id, input.file_id, actor.id,
    )  # fmt: skip
    if row is None:
        raise NotFound("There is no such file in your organization.", field="fileId")
    return FileContent(**dict(row))


async def received_with(tx: Tx, inbound_id: UUID) -> list[File]:
    """The files that came with a message, in order."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM message_files WHERE org_id = $1 AND inbound_id = $2 ORDER BY id", tx.org_id, inbound_id
    )
    return [struct_of(row, File) for row in rows]


async def parts(tx: Tx, actor: Actor, ids: list[UUID]) -> list[Part]:
    """Files to send, in order: brought by the actor, or received. Raises NotFound, TooLarge for too many or too much."""
    if len(ids) > MAX_FILES:
        raise TooLarge(f"A message carries at most {MAX_FILES} files.", field="attachments")
    found = [await read(tx, actor, GetFile(file_id=id)) for id in ids]
    if sum(file.size for file in found) > MAX_ALL:
        raise TooLarge(f"A message carries at most {MAX_ALL // 1_000_000} MB.", field="attachments")
    return [Part(file.name, file.content_type, file.content) for file in found]


async def of_message(tx: Tx, message_id: UUID, ids: list[UUID]) -> None:
    """Say that these files went with a message."""
    await tx.execute(
        "UPDATE message_files SET message_id = $2 WHERE org_id = $1 AND id = ANY ($3) AND inbound_id IS NULL",
        tx.org_id, message_id, ids,
    )  # fmt: skip
