"""A row of a table becomes a lead to make: what is understood goes into its fields, everything else is kept as it stood."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from baton.contacts.matching import Matching
from baton.imports import values
from baton.imports.cells import Cells, Defined
from baton.imports.column import Column, text_of
from baton.imports.dates import readings
from baton.imports.headers import DEAL_NAMES, key
from baton.imports.identity import identify
from baton.imports.map import Plan
from baton.imports.numbers import Money, exact_headcount, headcount, money
from baton.imports.table import Cell, Notes, Refusal, Row
from baton.imports.vocabulary import Ladder, source_of
from baton.kernel.errors import Invalid
from baton.kernel.values import fold
from baton.leads.create import NewLead
from baton.leads.facts import MAX_TEXT, SOURCES, fields

_MESSAGE = 20_000
_MAX_ID = 200


@dataclass(frozen=True, slots=True)
class Shape:
    """What every row of one import shares.

    `owners` is member id by folded name and e-mail, `defined` the organization's own fields; `source` is for rows without,
    `matching` how the organization tells people apart.
    """

    plan: Plan
    ladder: Ladder
    pipeline_id: str
    owners: Mapping[str, str]
    currency: str
    source: str
    region: str | None = None
    defined: Defined = field(default_factory=dict)
    matching: Matching = field(default_factory=Matching)

    def lead(self, row: Row, notes: Notes) -> tuple[NewLead, str] | Refusal:
        """The lead that a row describes, and its identity; or a refusal, where nothing in it says who or what it is about.

        The lead's `createdAt` will be the time of the import, since the log must be true: the file's own dates are kept
        as the custom fields `sourceCreatedAt` and `sourceLastActivityAt` (ISO 8601).
        """
        cells = Cells(self.plan, row, notes, self.defined)
        lead = NewLead(pipeline_id=self.pipeline_id, source=self._source(cells))
        lead.external_id = cells.first("externalId", _external_id, "an id")
        lead.email = cells.first("email", lambda cell, _: values.email(cell), "an e-mail address")
        is_deal = _who(lead, cells)
        self._company(lead, cells)
        self._deal(lead, cells)
        self._progress(lead, cells)
        tags = cells.every("tags", lambda cell, _: values.tag_list(cell, written=cells.exact), "tags")
        lead.tags = list(dict.fromkeys(tag for found in tags for tag in found))[: values.MAX_TAGS]
        lead.message = cells.text("message", _MESSAGE)
        _history(cells)
        if refusal := self._unnamed(lead, cells):
            return refusal
        identity = identify(lead, row.cells, deal=is_deal, how=self.matching)
        if identity.startswith("row:"):
            lead.external_id = identity
        try:
            lead.fields = fields(cells.kept)
        except Invalid as error:
            return Refusal(row.line, error.message, row.cells)
        return lead, identity

    def _company(self, lead: NewLead, cells: Cells) -> None:
        lead.company_name = cells.text("companyName", MAX_TEXT)
        lead.industry = cells.text("industry", MAX_TEXT)
        lead.website = cells.first("website", lambda cell, _: _website(cell, cells.exact), "a web address")
        sizes = cells.columns("companySize")
        size = cells.first("companySize", lambda cell, _: headcount(cell), "a number of people")
        if size is not None and not exact_headcount(cells.row.cells[sizes[0].place]):
            cells.kept[sizes[0].header] = text_of(cells.row.cells[sizes[0].place])
        lead.company_size = size
        lead.location = _location(cells)
        region = values.region_of(cells.peek("country"), self.region)
        if cells.exact:
            lead.phone = cells.text("phone", MAX_TEXT)
        else:
            lead.phone = cells.first("phone", lambda cell, _: values.phone(cell, region), "a phone number")

    def _deal(self, lead: NewLead, cells: Cells) -> None:
        currency = cells.first("currency", lambda cell, _: values.currency(cell), "a currency") or self.currency

        def read(cell: Cell, column: Column) -> Money | None:
            return money(cell, column.mark, currency)

        value_columns = cells.columns("value")
        amount = cells.first("value", read, "an amount of money")
        lead.currency = amount.currency if amount else currency
        if amount:
            lead.value_cents = amount.minor
            if amount.rounded:
                cells.note(value_columns[0], "had more decimals than its currency; rounded, the original is kept")
                cells.kept[value_columns[0].header] = text_of(cells.row.cells[value_columns[0].place])
        closing = cells.first("expectedCloseDate", _moment, "a date")
        lead.expected_close_date = closing.date() if closing else None

    def _progress(self, lead: NewLead, cells: Cells) -> None:
        """Stage, status and owner; a word that the pipeline has no stage for stays a custom field."""
        said = [
            (column, text_of(cells.row.cells[column.place]))
            for name in ("stage", "status")
            for column in cells.columns(name)
        ]
        found = self.ladder.find([text for _, text in said])
        for column, text in said:
            if found is None or not self.ladder.knows(text):
                cells.note(column, "no stage of the pipeline by this name; the lead enters the first, the word is kept")
            elif cells.exact or self.ladder.is_stage(text):
                cells.strike(column)
        for column in cells.columns("converted"):
            text = text_of(cells.row.cells[column.place])
            found = found or (self.ladder.find(["won"]) if values.is_yes(text) else None)
            if found and values.is_yes(text):
                cells.note(column, "says converted; the lead counts as won")
        if found:
            stage, status = found
            said_status = next((text for _, text in said if text in ("lost", "disqualified")), None)
            if stage.outcome == "lost" and said_status is not None:
                status = "disqualified" if said_status == "disqualified" else "lost"
            lead.stage_id, lead.status = str(stage.id), status
        lead.owner_id = cells.first(
            "owner", lambda cell, _: self.owners.get(fold(text_of(cell))), "a member of the organization"
        )

    def _source(self, cells: Cells) -> str:
        for column in cells.columns("source"):
            text = text_of(cells.row.cells[column.place])
            found = text if text in SOURCES else source_of(text)
            if found is None:
                cells.note(column, f"not one of our sources; counted as {self.source}, the word is kept")
            elif text == found:
                cells.strike(column)
            return found or self.source
        return self.source

    def _unnamed(self, lead: NewLead, cells: Cells) -> Refusal | None:
        """Give a lead without a name one by its phone or id; refuse a row that has nothing to be named by."""
        if lead.name or lead.first_name or lead.last_name or lead.company_name or lead.email:
            return None
        label = next(
            (text for column in self.plan.labels if (text := text_of(cells.row.cells[column.place]))), lead.external_id
        )
        lead.name = lead.phone or (f"Lead {label}" if label else None)
        if lead.name:
            return None
        reason = "It has neither a name nor a company, e-mail, phone or id"
        if broken := cells.columns("email"):
            reason = f"“{text_of(cells.row.cells[broken[0].place])[:80]}” is no e-mail address, and nothing else says who this is"
        return Refusal(cells.row.line, reason, cells.row.cells)


def _external_id(cell: Cell, _: Column) -> str | None:
    text = text_of(cell)
    return text if len(text) <= _MAX_ID and not text.startswith("row:") else None


def _website(cell: Cell, exact: bool) -> str | None:
    found = values.website(cell)
    return _short(text_of(cell) if found and exact else found)


def _short(text: str | None) -> str | None:
    return text if text and len(text) <= MAX_TEXT else None


def _who(lead: NewLead, cells: Cells) -> bool:
    """Names and title; whether the row is a deal, whose name is not a person's."""
    named = cells.columns("name")
    is_deal = bool(named) and key(named[0].header) in DEAL_NAMES
    lead.first_name = cells.text("firstName", MAX_TEXT)
    lead.last_name = cells.text("lastName", MAX_TEXT)
    lead.name = cells.text("name", MAX_TEXT)
    if lead.name and not is_deal and not cells.exact and not (lead.first_name or lead.last_name):
        lead.first_name, lead.last_name = values.person(lead.name)
        if lead.first_name and lead.last_name:
            lead.name = f"{lead.first_name} {lead.last_name}"
    if lead.first_name and lead.last_name and not is_deal and not cells.exact:
        lead.name = f"{lead.first_name} {lead.last_name}"  # "Ms. Ana Rey" beside Ana and Rey
    lead.title = cells.text("title", MAX_TEXT)
    return is_deal


def _location(cells: Cells) -> str | None:
    """The address or place as given, with city, state and country where it does not name them; these also stay fields."""
    parts = [part] if (part := cells.text("location", MAX_TEXT)) else []
    for text in (cells.peek("city"), cells.peek("state"), cells.peek("country")):
        if text and not any(fold(text) in fold(part) for part in parts):
            parts.append(text)
    return _short(", ".join(parts))


def _moment(cell: Cell, column: Column) -> datetime | None:
    found = readings(cell)
    return found.get(column.order) or (
        next(iter(found.values())) if len(set(found.values())) == 1 and len(found) > 1 else None
    )


def _history(cells: Cells) -> None:
    """The file's own times: what they are is stated, that they are not the log's is stated by their names."""
    for target, name in (("createdAt", "sourceCreatedAt"), ("lastActivityAt", "sourceLastActivityAt")):
        moment = cells.first("createdAt" if target == "createdAt" else "lastActivityAt", _moment, "a date")
        if moment:
            cells.kept[name] = moment.isoformat()
