"""What an export may hold of a lead: each column's name, its header, and its SQL as text and as a typed value."""

from collections.abc import Mapping
from dataclasses import dataclass

from baton.imports.guard import harmless_sql, suspect_sql
from baton.imports.headers import recognise
from baton.kernel.errors import Invalid
from baton.kernel.money import ODD_DIGITS

FIELD = "field."
MOST_FIELDS = 200


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `text` is what a CSV file holds, `value` what typed formats do; `spoken` says that people wrote it, so that
    it is guarded against being run as a formula; `people` is what of it people wrote, where that is not all."""

    name: str
    header: str
    text: str
    value: str
    spoken: bool = True
    people: str | None = None


def _words(name: str, header: str, sql: str) -> Column:
    return Column(name, header, sql, sql)


def _plain(name: str, header: str, value: str) -> Column:
    return Column(name, header, f"({value})::text", value, spoken=False)


def _moment(name: str, header: str, sql: str) -> Column:
    utc = f"{sql} AT TIME ZONE 'UTC'"
    return Column(name, header, f"""to_char({utc}, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')""", sql, spoken=False)


def _value() -> str:
    """A lead's value in whole units of its currency, by the digits of its minor unit (ISO 4217)."""
    by_digits: dict[int, list[str]] = {}
    for code, digits in ODD_DIGITS.items():
        by_digits.setdefault(digits, []).append(f"'{code}'")
    odd = (
        f"WHEN l.currency IN ({', '.join(codes)}) THEN round(l.value_cents / {10**digits}::numeric, {digits})"
        for digits, codes in by_digits.items()
    )
    return f"CASE {' '.join(odd)} ELSE round(l.value_cents / 100::numeric, 2) END"


_TAGS = """CASE WHEN array_to_string(l.tags, '') ~ '[;,|\\n"]' THEN to_jsonb(l.tags)::text
    ELSE nullif(array_to_string(l.tags, '; '), '') END"""

_NAMED = "coalesce(l.external_id, l.id::text)"

COLUMNS: tuple[Column, ...] = (
    Column("batonLeadId", "Baton lead ID", _NAMED, _NAMED, people="l.external_id"),
    _words("name", "Name", "l.name"),
    _words("firstName", "First name", "l.first_name"),
    _words("lastName", "Last name", "l.last_name"),
    _words("title", "Job title", "l.title"),
    _words("email", "Email", "l.email"),
    _words("phone", "Phone", "l.phone"),
    _words("website", "Website", "l.website"),
    _words("companyName", "Company", "l.company_name"),
    _plain("companySize", "Company size", "l.company_size"),
    _words("industry", "Industry", "l.industry"),
    _words("location", "Location", "l.location"),
    _words("pipeline", "Pipeline", "p.name"),
    _words("stage", "Stage", "s.name"),
    _plain("status", "Status", "l.status"),
    _words(
        "owner", "Owner", "CASE WHEN m.name = ANY ({shared}::text[]) THEN coalesce(m.email, m.name) ELSE m.name END"
    ),
    _plain("value", "Value", _value()),
    _plain("currency", "Currency", "l.currency"),
    _plain("expectedCloseDate", "Expected close date", "l.expected_close_date"),
    _plain("source", "Source", "l.source"),
    Column("tags", "Tags", _TAGS, "l.tags"),
    _plain("score", "Score", "l.score"),
    _moment("createdAt", "Created at", "l.created_at"),
    _moment("lastActivityAt", "Last activity at", "l.last_activity_at"),
    _moment("nextActionAt", "Next action at", "l.next_action_at"),
    _moment("qualifiedAt", "Qualified at", "l.qualified_at"),
    _moment("closedAt", "Closed at", "l.closed_at"),
)
"""Every column, in its usual order; custom fields follow under `field.<name>`."""
BY_NAME = {column.name: column for column in COLUMNS}
_HEADERS = {column.header.casefold() for column in COLUMNS}


def chosen(names: list[str] | None, fields: Mapping[str, str]) -> list[Column]:
    """The columns of those names, or all of them; `fields` are the custom fields with what people call them.

    Raises Invalid for a column that does not exist.
    """
    if names is None:
        return [*COLUMNS, *(custom(field, label, place) for place, (field, label) in enumerate(fields.items()))]
    unknown = [
        name for name in names if name not in BY_NAME and not (name.startswith(FIELD) and len(name) > len(FIELD))
    ]
    if unknown or not names or len(names) != len(set(names)) or len(names) > MOST_FIELDS:
        listed = f"no column “{unknown[0][:80]}”; there are" if unknown else "each of these columns once at most"
        raise Invalid(
            f"An export has {listed}: {', '.join(BY_NAME)}, and field.<name> for custom fields.", field="columns"
        )
    places = {FIELD + field: place for place, field in enumerate(fields)}
    return [BY_NAME.get(name) or custom(name[len(FIELD) :], fields[name[len(FIELD) :]], places[name]) for name in names]


def custom(field: str, label: str, place: int) -> Column:
    """The column of a custom field, the `place`-th of the names that the statement is given.

    Its header is what people call it, or `field.<name>` where an import would take that for a fact of the lead.
    """
    if len(field) > 100 or "\0" in field:
        raise Invalid("A custom field's name has at most 100 characters.", field="columns")
    mistakable = label.casefold() in _HEADERS or label.startswith(FIELD) or recognise((label,))[1][0] is not None
    name = f"({{fields}}::text[])[{place + 1}]"
    header = FIELD + field if mistakable else label
    return Column(FIELD + field, header, f"(l.fields ->> {name})", f"(l.fields -> {name})")


def guarded(columns: list[Column], *, shared: int, fields: int) -> tuple[str, str]:
    """The SELECT list as texts that are safe to open, and what it is joined with: a look at all of a lead's texts at once.

    Phones, which begin with a plus for a living, are looked at by themselves.
    """
    spoken = [column.people or column.text for column in columns if column.spoken and column.name != "phone"]
    parts = []
    for column in columns:
        if not column.spoken:
            parts.append(column.text)
        elif column.name == "phone":
            parts.append(harmless_sql(column.text))
        else:
            parts.append(f"CASE WHEN risk.y THEN {harmless_sql(column.text)} ELSE {column.text} END")
    # OFFSET 0 lets it be evaluated once: pulled up, it would stand in the place of every “risk.y”.
    look = f"CROSS JOIN LATERAL (SELECT {suspect_sql(spoken)} AS y OFFSET 0) risk"
    numbered = [
        text.replace("{shared}", f"${shared}").replace("{fields}", f"${fields}") for text in (", ".join(parts), look)
    ]
    return numbered[0], numbered[1]


def selected(columns: list[Column], *, shared: int, fields: int) -> str:
    """The SELECT list of typed values. `shared` and `fields` number the parameters: names that several members have, and custom fields."""
    parts = (f"{column.value} AS c{place}" for place, column in enumerate(columns))
    return ", ".join(parts).replace("{shared}", f"${shared}").replace("{fields}", f"${fields}")
