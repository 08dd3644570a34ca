"""A provider behind any HTTP interface: address, headers, body and mapping are data that the organization configured."""

from typing import Any, Literal

import msgspec

from baton.enrichment.found import USUAL, Failed, Found, check_mapping, fill_in, pick
from baton.kernel.addresses import Refused
from baton.kernel.errors import Invalid
from baton.kernel.outbound import Outbound, Unreachable

_LIMIT, _SECONDS = 5_000_000, 30.0
_TRY_LATER = frozenset({408, 425, 429})


class HttpConfig(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """How to ask: {field} stands for a lead's value, {secret} in a header for the key. `items` leads to a search's results,
    `cost_path` to what the answer says it cost, else `cost` is what each answer costs (US dollars)."""

    url: str
    method: Literal["GET", "POST"] = "GET"
    headers: dict[str, str] = {}
    body: Any = None
    mapping: dict[str, str | list[str]] = {}
    items: str | None = None
    cost: float | None = None
    cost_path: str | None = None


def check(outbound: Outbound, config: dict[str, Any]) -> HttpConfig:
    """The configuration, checked. Raises Invalid."""
    try:
        checked = msgspec.convert(config, HttpConfig)
    except msgspec.ValidationError as error:
        raise Invalid(f"This configuration does not fit: {error}", field="config") from None
    outbound.check(checked.url.replace("{", "%7B").replace("}", "%7D"))
    if "{" in "/".join(checked.url.split("/")[:3]):
        raise Invalid("The host of the address is fixed; only what follows it may hold {fields}.", field="config")
    if any("\n" in text or "\r" in text for pair in checked.headers.items() for text in pair):
        raise Invalid("A header is one line.", field="config")
    check_mapping(checked.mapping)
    return checked


async def ask(outbound: Outbound, config: HttpConfig, secret: str | None, values: dict[str, Any]) -> Found:
    """What the provider answers of a lead, or to a search. Raises Failed."""
    headers = {"accept": "application/json"} | fill_in(config.headers, {"secret": secret or ""} | values)
    content = None
    if config.method == "POST":
        content = msgspec.json.encode(fill_in(config.body, values))
        headers = {"content-type": "application/json"} | headers
    url = fill_in(config.url, values, quoted=True)
    try:
        answer = await outbound.send(
            config.method, url, headers=headers, content=content, seconds=_SECONDS, limit=_LIMIT
        )
    except Refused as error:
        raise Failed(error.message, final=True) from None
    except Unreachable as error:
        raise Failed(str(error)) from None
    if answer.status == 404:
        return Found(url=_without_query(url))
    if not answer.ok or answer.cut:
        asked = answer.headers.get("retry-after", "")
        after = min(int(asked), 86_400) if asked.isdigit() and len(asked) < 7 else 0
        final = 300 <= answer.status < 500 and answer.status not in _TRY_LATER
        raise Failed(f"It answered {answer.status}.", final=final or answer.cut, after=after)
    try:
        said = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, RecursionError):
        raise Failed("It answered with something that is not JSON.") from None
    return _read(config, said, _without_query(url))


def _read(config: HttpConfig, said: Any, url: str) -> Found:
    cost = pick(said, {"cost": config.cost_path}).get("cost") if config.cost_path else config.cost
    wrapped = pick_items(said, config.items)
    values = pick(wrapped[0] if config.items and wrapped else said, config.mapping or USUAL)
    return Found(
        values=values, sources=dict.fromkeys(values, url), items=wrapped, url=url,
        cost=float(cost) if isinstance(cost, (int, float)) else config.cost,
    )  # fmt: skip


def pick_items(said: Any, path: str | None) -> list[dict[str, Any]]:
    """The list of results in an answer: at a path, or the answer itself."""
    for step in path.split(".") if path else []:
        said = said.get(step) if isinstance(said, dict) else None
    return [item for item in said if isinstance(item, dict)] if isinstance(said, list) else []


def _without_query(url: str) -> str:
    return url.partition("?")[0]
