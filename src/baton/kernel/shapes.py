"""The shapes that inputs share, with their limits: what schemas say of a field is what its reading holds it to."""

from datetime import datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

from msgspec import Meta

from baton.kernel.values import Ref

MAX_NUMBER = 2**31 - 1
_CODE = {
    "minLength": 3,
    "maxLength": 3,
    "pattern": "^[A-Za-z]{3}$",
}  # said here, held by the domain, in words of its own
_WHEN = {"anyOf": [{"format": "date"}, {"format": "date-time"}], "examples": ["2026-04-30"]}
_HEX = {"pattern": "^#[0-9A-Fa-f]{6}$"}

Line: TypeAlias = Annotated[str, Meta(max_length=500)]
"""A fact of one line, empty for none."""
Name: TypeAlias = Annotated[str, Meta(max_length=500, pattern=r"\S")]
"""The name of somebody or something: at least one character that is seen."""
Label: TypeAlias = Annotated[str, Meta(max_length=100, pattern=r"\S")]
"""A short name, for what stands in lists and menus."""
ExternalId: TypeAlias = Annotated[str, Meta(max_length=500)]
"""An id of the client's own."""
Reason: TypeAlias = Annotated[str, Meta(max_length=2_000)]
"""Why something is done, kept with it."""
Prose: TypeAlias = Annotated[str, Meta(max_length=20_000)]
"""What somebody wrote."""
Notes: TypeAlias = Annotated[str, Meta(max_length=50_000)]
"""What was said, at any length that people write."""
Email: TypeAlias = Annotated[str, Meta(max_length=320, extra_json_schema={"format": "email"})]
"""An e-mail address (RFC 5321)."""
Password: TypeAlias = Annotated[str, Meta(max_length=1_000, extra_json_schema={"format": "password"})]
"""A secret that a person types."""
WebAddress: TypeAlias = Annotated[str, Meta(max_length=2_000, extra_json_schema={"format": "uri"})]
"""An http or https address."""
CurrencyCode: TypeAlias = Annotated[str, Meta(max_length=40, examples=["USD"], extra_json_schema=_CODE)]
"""A currency (ISO 4217)."""
Zone: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64, examples=["Europe/Berlin"])]
"""An IANA time zone."""
LanguageTag: TypeAlias = Annotated[
    str, Meta(max_length=35, pattern="^([a-z]{2,3}(-[A-Za-z0-9]{2,8})*)?$", examples=["pt"])
]
"""A language (RFC 5646)."""
Colour: TypeAlias = Annotated[str, Meta(max_length=40, examples=["#6E56CF"], extra_json_schema=_HEX)]
"""A colour, as #rrggbb."""
Words: TypeAlias = Annotated[str, Meta(max_length=200)]
"""What to look for."""
Kind: TypeAlias = Annotated[str, Meta(max_length=100)]
"""The kind of an activity or event."""
Cursor: TypeAlias = Annotated[str, Meta(max_length=2_000)]
"""Where a page begins: `nextCursor` of the page before."""
PageSize: TypeAlias = Annotated[int, Meta(ge=1, le=200)]
"""How many entries a page has."""
PageNumber: TypeAlias = Annotated[int, Meta(ge=1, le=10_000)]
"""A page by its number, the first is 1."""
Version: TypeAlias = Annotated[int, Meta(ge=1, lt=10**18)]
"""The version that was read; another one is a conflict."""
Count: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_NUMBER)]
"""A whole number from zero up."""
Cents: TypeAlias = Annotated[int, Meta(ge=0, lt=2**62)]
"""Money in minor units of its currency."""
Percent: TypeAlias = Annotated[int, Meta(ge=0, le=100)]
"""A whole percentage."""
TimeOfDay: TypeAlias = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""A time of day, HH:MM."""
Days: TypeAlias = Annotated[int, Meta(ge=1, le=3_650)]
"""A number of days, to ten years."""
DayOrMoment: TypeAlias = Annotated[str, Meta(max_length=40, extra_json_schema=_WHEN)]
"""A day of the organization's time zone, or a moment with its offset."""
Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
"""A moment with its offset from UTC (RFC 3339)."""
TagName: TypeAlias = Annotated[str, Meta(max_length=60)]
NewTag: TypeAlias = Annotated[str, Meta(max_length=60, pattern=r"\S")]
TagNames: TypeAlias = Annotated[list[TagName], Meta(max_length=50)]
"""Tags, each once."""
Values: TypeAlias = Annotated[dict[str, Any], Meta(max_length=500)]
"""Custom field values by key."""
Refs: TypeAlias = Annotated[list[Ref], Meta(max_length=1_000)]
"""Records, each by its id or external id."""
TemplateText: TypeAlias = Annotated[str, Meta(max_length=10_000)]
"""A text that may name values, such as {{ lead.firstName }}."""
TemplateLine: TypeAlias = Annotated[str, Meta(max_length=10_000, pattern=r"\S")]
"""The same where there must be one."""
Html: TypeAlias = Annotated[str, Meta(max_length=200_000)]
"""What somebody wrote, with its marks."""
MailText: TypeAlias = Annotated[str, Meta(max_length=100_000)]
"""The text of a message."""
Host: TypeAlias = Annotated[str, Meta(max_length=253)]
"""The name of a server (RFC 1035)."""
Port: TypeAlias = Annotated[int, Meta(ge=1, le=65_535)]
"""Where a server listens."""
SpanOfTime: TypeAlias = Annotated[str, Meta(min_length=1, max_length=40, examples=["2d 4h"])]
"""How long: weeks, days, hours, minutes."""
Recurrence: TypeAlias = Annotated[str, Meta(max_length=500, examples=["FREQ=WEEKLY;BYDAY=MO"])]
"""When something comes again (RFC 5545)."""
OperationName: TypeAlias = Annotated[str, Meta(max_length=100)]
"""An operation by its name."""
Variables: TypeAlias = Annotated[list[TemplateText], Meta(max_length=20)]
"""What a provider's template is filled in with, in order."""
Language: TypeAlias = Annotated[str, Meta(min_length=1, max_length=20, examples=["en", "pt_BR"])]
"""The language of a provider's template."""
Ids: TypeAlias = Annotated[list[UUID], Meta(max_length=1_000)]
"""Records, each by its id."""
FileIds: TypeAlias = Annotated[list[UUID], Meta(max_length=20)]
"""Files that were brought before."""
Lines: TypeAlias = Annotated[list[Line], Meta(max_length=50)]
"""A few lines."""
LargePrice: TypeAlias = Annotated[float, Meta(ge=0, le=1_000_000)]
"""What a million tokens cost, in whole units of currency."""
