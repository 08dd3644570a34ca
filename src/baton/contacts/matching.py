"""How an organization tells people apart: what two spellings of an e-mail share, and how phones are written. Spec A5."""

from functools import lru_cache
from typing import Annotated

import msgspec
import phonenumbers
from msgspec import Meta

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid
from baton.kernel.operation import Input, Nothing, Output, operation


class Matching(Output, kw_only=True):
    """`ignoreCase`: Ana@ is ana@. `ignorePlus`: ana+news@ is ana@. `defaultRegion` (ISO 3166) is where a phone without "+" is."""

    ignore_case: bool = True
    ignore_plus: bool = False
    default_region: str | None = None

    def email_key(self, address: str) -> str:
        """What all spellings of one address share; domains never tell capitals apart (RFC 5321)."""
        local, _, domain = address.strip().rpartition("@")
        if self.ignore_plus:
            local = local.partition("+")[0] or local
        return f"{local.casefold() if self.ignore_case else local}@{domain.casefold()}"

    def phone(self, text: str | None) -> str | None:
        """A phone in E.164 ("+493055500142"), or as it was typed where it cannot be read."""
        return e164(text, self.default_region) if text else None


class SetMatching(Input, kw_only=True):
    """How to tell people apart from now on."""

    ignore_case: bool = True
    ignore_plus: bool = False
    default_region: Annotated[str, Meta(max_length=10)] | None = None


@lru_cache(maxsize=10_000)
def e164(text: str, region: str | None) -> str:
    """A phone number in E.164 (ITU-T), where it is one that can exist; otherwise the text itself."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return text
    likely = phonenumbers.is_possible_number(number) and (number.national_number or 0) >= 10**6
    if number.extension or not (likely or phonenumbers.is_valid_number(number)):
        return text
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


async def read(tx: Tx) -> Matching:
    """How the organization tells people apart, in one statement."""
    stored = await tx.fetchval("SELECT settings -> 'matching' FROM organizations WHERE org_id = $1", tx.org_id)
    return Matching() if stored is None else msgspec.convert(stored, Matching)


@operation("crm.contacts.matching", kind="query", role=Role.VIEWER, summary="Read how people are told apart")
async def get_matching(tx: Tx, actor: Actor, input: Nothing) -> Matching:
    """What two spellings of an e-mail share, and the region of phones."""
    return await read(tx)


@operation("crm.contacts.setMatching", role=Role.ADMIN, summary="Change how people are told apart")
async def set_matching(tx: Tx, actor: Actor, input: SetMatching) -> Matching:
    """Tell people apart otherwise. Contacts that share an e-mail then stay two, the older is found; they are duplicates.

    Phones that are kept stay as they are. Raises Invalid for a region that is none.
    """
    region = input.default_region.upper() if input.default_region else None
    if region is not None and region not in phonenumbers.SUPPORTED_REGIONS:
        raise Invalid("A region is an ISO 3166 code such as DE or US.", field="defaultRegion")
    before = await read(tx)
    after = Matching(ignore_case=input.ignore_case, ignore_plus=input.ignore_plus, default_region=region)
    pair = [msgspec.to_builtins(before), msgspec.to_builtins(after)]
    await tx.execute(
        """UPDATE organizations SET settings = settings || jsonb_build_object('matching', $2::jsonb), version = version + 1
            WHERE org_id = $1""",
        tx.org_id, pair[1],
    )  # fmt: skip
    await _know_again(tx, after)
    await append(
        tx, actor,
        Entry(kind=kinds.ORGANIZATION_CHANGED, subject_type="organization", subject_id=tx.org_id, changes={"matching": pair}),
    )  # fmt: skip
    return after


async def _know_again(tx: Tx, matching: Matching) -> None:
    """Give every contact the key of its e-mail; of several with one key the oldest, which is found by it."""
    rows = await tx.fetch(
        """SELECT id, email, email_norm FROM contacts WHERE org_id = $1 AND email IS NOT NULL AND deleted_at IS NULL
            ORDER BY merged_into_id IS NOT NULL, created_at, id FOR NO KEY UPDATE""",
        tx.org_id,
    )
    taken: set[str] = set()
    changed: list[tuple[object, str | None]] = []
    for row in rows:
        key: str | None = matching.email_key(row["email"])
        key = None if key in taken else key
        taken |= {key} if key else set()
        if key != row["email_norm"]:
            changed.append((row["id"], key))
    ids = [id for id, _ in changed]
    await tx.execute("UPDATE contacts SET email_norm = NULL WHERE org_id = $1 AND id = ANY ($2)", tx.org_id, ids)
    await tx.execute(
        """UPDATE contacts AS c SET email_norm = k.key FROM unnest($2::uuid[], $3::text[]) AS k (id, key)
            WHERE c.org_id = $1 AND c.id = k.id""",
        tx.org_id, ids, [key for _, key in changed],
    )  # fmt: skip
