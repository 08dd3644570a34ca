"""What a provider finds: the port that every provider fills, and the mapping from its JSON to a lead's fields, as data."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from baton.kernel.errors import Invalid
from baton.leads.fill import FILLABLE

MAX_VALUE = 500
Paths = dict[str, str | list[str]]
_PLACE = re.compile(r"\{([A-Za-z.]{1,60})\}")
_PATH = re.compile(r"[A-Za-z0-9_@:-]{1,80}(\.[A-Za-z0-9_@:-]{1,80}){0,9}")

USUAL: Paths = {
    "firstName": ["firstName", "first_name", "givenName"],
    "lastName": ["lastName", "last_name", "familyName"],
    "email": ["email", "workEmail", "work_email", "emails.0"],
    "phone": ["phone", "phoneNumber", "phone_number", "telephone", "phones.0"],
    "title": ["jobTitle", "job_title", "headline"],
    "companyName": ["companyName", "company_name", "organization.name", "company.name", "organizationName", "company"],
    "website": ["website", "companyWebsite", "organization.website_url", "company.website", "url", "domain"],
    "location": ["address", "location.name", "formattedAddress", "location", "city"],
    "industry": ["categoryName", "industry", "organization.industry", "company.industry", "category"],
    "companySize": [
        "companySize",
        "employees",
        "employeeCount",
        "organization.estimated_num_employees",
        "company.size",
    ],
}
"""Where a person's or a company's facts usually are."""
PLACES: Paths = {
    "companyName": ["title", "name"], "phone": ["phone", "phoneUnformatted", "internationalPhoneNumber", "formatted_phone_number"],
    "email": ["email", "emails.0"], "website": ["website", "websiteUri"], "location": ["address", "formatted_address", "formattedAddress"],
    "industry": ["categoryName", "category", "types.0"], "externalId": ["placeId", "place_id"], "field.rating": ["totalScore", "rating"],
    "field.reviews": ["reviewsCount", "userRatingCount"], "field.mapsUrl": ["url", "googleMapsUri"],
}  # fmt: skip
"""Where a place's facts are in what map searches answer."""


class Found(msgspec.Struct, kw_only=True):
    """What a provider answered: a lead's values and where each was read, or items of a search.

    `pending` says that the provider is still at work on `external_id`. `cost` is in US dollars, where the provider says so.
    """

    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    items: list[dict[str, Any]] = []
    url: str | None = None
    cost: float | None = None
    external_id: str | None = None
    pending: bool = False


class Failed(Exception):
    """A provider that did not answer as it should; `final` says that asking again is useless."""

    def __init__(self, message: str, *, final: bool = False, after: int = 0) -> None:
        super().__init__(message)
        self.final, self.after = final, after


def check_mapping(mapping: Mapping[str, Any], *, search: bool = False) -> Paths:
    """A mapping {field: path or paths}, checked. Raises Invalid for an unknown field or a path that is none."""
    for name, paths in mapping.items():
        if (
            name not in FILLABLE
            and name not in ("externalId", "name")
            and not re.fullmatch(r"field\.[A-Za-z]\w{0,62}", name)
        ):
            raise Invalid(f"“{name[:60]}” is no field to fill: {', '.join(FILLABLE)}, field.<key>.", field="mapping")
        listed = [paths] if isinstance(paths, str) else paths
        if (
            not isinstance(listed, list)
            or not listed
            or not all(isinstance(each, str) and _PATH.fullmatch(each) for each in listed)
        ):
            raise Invalid(f"“{name}” takes a path such as organization.name, or a list of them.", field="mapping")
    return dict(mapping)


def pick(item: Any, mapping: Paths) -> dict[str, Any]:
    """The values that a mapping finds in an item: the first path that leads to a plain value counts."""
    found: dict[str, Any] = {}
    for name, paths in mapping.items():
        for path in [paths] if isinstance(paths, str) else paths:
            value = _plain(_walk(item, path.split(".")))
            if value is not None:
                found[name] = value
                break
    return found


def _walk(item: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        if isinstance(item, dict):
            item = item.get(step)
        elif isinstance(item, list) and step.isdigit():
            item = item[int(step)] if int(step) < len(item) else None
        else:
            return None
    return item


def _plain(value: Any) -> Any:
    """Text without control characters, or a number; None for everything else."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, int):
        return value
    return " ".join("".join(c if c.isprintable() else " " for c in value).split())[:MAX_VALUE] or None


def fill_in(template: Any, values: Mapping[str, Any], *, quoted: bool = False) -> Any:
    """A template with {field} replaced by a lead's values, all the way down; in an address they are quoted."""
    if isinstance(template, dict):
        return {key: fill_in(value, values, quoted=quoted) for key, value in template.items()}
    if isinstance(template, list):
        return [fill_in(value, values, quoted=quoted) for value in template]
    if not isinstance(template, str):
        return template
    whole = _PLACE.fullmatch(template)
    if whole and not quoted:
        return values.get(whole[1])

    def said(match: re.Match[str]) -> str:
        value = values.get(match[1])
        text = "" if value is None else str(value)
        return quote(text, safe="") if quoted else text

    return _PLACE.sub(said, template)
