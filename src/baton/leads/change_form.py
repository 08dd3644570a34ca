"""Changing a hosted form, closing it and opening it again; its address stays. Spec A12, B4."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.activities.replay import difference
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import NotFound, must_be_current
from baton.kernel.operation import Input, operation
from baton.kernel.shapes import Name, Reason, Version, WebAddress
from baton.kernel.values import Ref
from baton.leads.forms import CreateForm, Form, FormField, check_form, read_form
from baton.pipelines import pipeline as pipelines


class EditForm(Input, kw_only=True):
    """What of a form to change; absent fields stay, null clears. A closed one takes no more answers."""

    form_id: UUID
    version: Version | None = None
    name: Name | None = None
    pipeline_id: Ref | UnsetType | None = UNSET
    fields: Annotated[list[FormField], Meta(min_length=1, max_length=40)] | None = None
    success_message: Reason | None = None
    redirect_url: WebAddress | UnsetType | None = UNSET
    proof_of_work: bool | None = None
    status: Literal["live", "closed"] | None = None


@operation("crm.forms.update", role=Role.ADMIN, summary="Change a form")
async def update(tx: Tx, actor: Actor, input: EditForm) -> Form:
    """Change a form, close or open it. Raises NotFound for a form or pipeline, Invalid, Conflict for a stale version."""
    address = await tx.fetchval(
        "SELECT address FROM forms WHERE org_id = $1 AND id = $2 FOR NO KEY UPDATE", tx.org_id, input.form_id
    )
    if address is None:
        raise NotFound("There is no such form in your organization.", field="formId")
    before = await read_form(tx, address, closed_too=True)
    must_be_current(f"The form “{before.name}”", before.version, input.version)
    given = {
        name: value
        for name in ("name", "fields", "success_message", "redirect_url", "proof_of_work", "status")
        if (value := getattr(input, name)) is not UNSET and (value is not None or name == "redirect_url")
    }
    if input.pipeline_id is not UNSET:
        given["pipeline_id"] = (await pipelines.get(tx, input.pipeline_id)).id if input.pipeline_id else None
    after: Form = msgspec.structs.replace(before, **given, version=before.version + 1)
    after.name = after.name.strip()
    check_form(CreateForm(name=after.name, redirect_url=after.redirect_url), after.fields)
    await tx.execute(
        """UPDATE forms SET name = $3, pipeline_id = $4, fields = $5, success_message = $6, redirect_url = $7, proof_of_work = $8,
                  status = $9, version = version + 1
            WHERE org_id = $1 AND id = $2""",
        tx.org_id, before.id, after.name, after.pipeline_id, after.fields, after.success_message, after.redirect_url,
        after.proof_of_work, after.status,
    )  # fmt: skip
    old, new = (
        {key: value for key, value in msgspec.to_builtins(each).items() if key != "version"} for each in (before, after)
    )
    await append(
        tx, actor,
        Entry(kind=kinds.FORM_CHANGED, subject_type="form", subject_id=before.id, changes=difference(old, new),
              payload={"name": after.name}),
    )  # fmt: skip
    return after
