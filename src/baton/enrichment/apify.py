"""Apify: an actor is started, looked at until it is done, and its dataset read, through Apify's own client. Spec A7, C8.

The client is an optional part (`pip install apify-client`) and is imported when it is needed; it calls through our own way
out, so that it reaches no private network either.
"""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from baton.enrichment.found import PLACES, USUAL, Failed, Found, check_mapping, fill_in, pick
from baton.kernel.addresses import Refused
from baton.kernel.errors import Invalid
from baton.kernel.outbound import Answer, Outbound, Unreachable

if TYPE_CHECKING:
    from apify_client import ApifyClientAsync

API = "https://api.apify.com"
_LIMIT = 20_000_000
_DONE, _BROKEN = "SUCCEEDED", ("FAILED", "ABORTED", "TIMED-OUT")


class ApifyConfig(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """Which actor, with which input ({field} stands for a lead's value or a search's word), and how its items are read.

    An item is a place or a person: without a `mapping` the usual names are tried. `maxCostUsd` is told to Apify.
    """

    actor_id: str
    input: dict[str, Any] = {}
    mapping: dict[str, str | list[str]] = {}
    max_items: int = 100
    max_cost_usd: float | None = None
    api_url: str = API


def check(outbound: Outbound, config: dict[str, Any]) -> ApifyConfig:
    """The configuration, checked. Raises Invalid."""
    try:
        checked = msgspec.convert(config, ApifyConfig)
    except msgspec.ValidationError as error:
        raise Invalid(f"This configuration does not fit: {error}", field="config") from None
    if not checked.actor_id or not all(c.isalnum() or c in "/~._-" for c in checked.actor_id):
        raise Invalid("An actor is named such as compass/crawler-google-places.", field="config")
    if not 1 <= checked.max_items <= 10_000:
        raise Invalid("maxItems is 1 to 10,000.", field="config")
    outbound.check(checked.api_url)
    check_mapping(checked.mapping)
    return checked


async def ask(
    outbound: Outbound, config: ApifyConfig, secret: str | None, values: dict[str, Any], external_id: str | None
) -> Found:
    """Start the actor, or look at the run that was started: pending until it is done. Raises Failed."""
    client = _client(outbound, config, secret)
    from apify_client.errors import ApifyApiError

    try:
        if external_id is None:
            cost = Decimal(str(config.max_cost_usd)) if config.max_cost_usd else None
            started = await client.actor(config.actor_id).start(
                run_input=fill_in(config.input, values), max_items=config.max_items, max_total_charge_usd=cost
            )
            return Found(external_id=started.id, pending=True)
        run = await client.run(external_id).get()
        if run is None:
            raise Failed("Apify does not know this run any more.", final=True)
        if run.status in _BROKEN:
            raise Failed(f"The actor's run {external_id} ended as {run.status}.", final=True)
        if run.status != _DONE:
            return Found(external_id=external_id, pending=True)
        listed = await client.dataset(run.default_dataset_id).list_items(limit=config.max_items, clean=True)
    except ApifyApiError as error:
        later = error.status_code in (408, 429) or error.status_code >= 500
        raise Failed(f"Apify answered {error.status_code}: {str(error)[:200]}", final=not later) from None
    except Refused as error:
        raise Failed(error.message, final=True) from None
    except Unreachable as error:
        raise Failed(str(error)) from None
    items = [dict(item) for item in listed.items]
    url = f"https://console.apify.com/actors/runs/{external_id}"
    found = read(items[0], config) if items else {}
    return Found(
        values=found,
        sources=dict.fromkeys(found, url),
        items=items,
        url=url,
        cost=run.usage_total_usd,
        external_id=external_id,
    )


def read(item: dict[str, Any], config: ApifyConfig) -> dict[str, Any]:
    """The values of one item, by the configured mapping, else as a place or as a person."""
    found = pick(item, config.mapping or (PLACES if "placeId" in item or "place_id" in item else USUAL))
    found.pop("externalId", None)
    return found


def _client(outbound: Outbound, config: ApifyConfig, secret: str | None) -> "ApifyClientAsync":
    try:
        from apify_client import ApifyClientAsync
        from apify_client.http_clients import HttpClientAsync
    except ImportError:
        raise Failed("Apify's client is not installed here. Run: pip install apify-client", final=True) from None

    class Checked(HttpClientAsync):
        """Apify's client over our way out."""

        async def send_request(self, *, method: str, url: str, headers: dict[str, str], content: Any, timeout: float | None,
                               stream: bool) -> Any:  # fmt: skip
            """One request, whole."""
            body = (
                content if content is None or isinstance(content, bytes) else b"".join([part async for part in content])
            )
            answer = await outbound.send(
                method, url, headers=headers, content=body, seconds=min(timeout or 60, 60), limit=_LIMIT
            )
            return Whole(answer)

        async def aclose(self) -> None:
            """Nothing is held open."""

    return ApifyClientAsync.with_custom_http_client(
        token=secret, api_url=config.api_url, api_public_url=config.api_url, http_client=Checked(max_retries=0)
    )


class Whole:
    """An answer as Apify's client reads it."""

    def __init__(self, answer: Answer) -> None:
        self.status_code, self.headers, self.content = answer.status, answer.headers, answer.body

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON. Raises ValueError."""
        return msgspec.json.decode(self.content)

    def read(self) -> bytes:
        """The body."""
        return self.content

    async def aread(self) -> bytes:
        """The body."""
        return self.content

    def close(self) -> None:
        """Nothing is held open."""

    async def aclose(self) -> None:
        """Nothing is held open."""

    def iter_bytes(self) -> Any:
        """The body in one piece."""
        yield self.content

    async def aiter_bytes(self) -> Any:
        """The body in one piece."""
        yield self.content
