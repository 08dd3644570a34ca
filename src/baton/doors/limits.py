"""Rate limits, kept in this process and in bounded memory: public captures, and wrong passwords."""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request

from baton.kernel.errors import TooMany
from baton.kernel.settings import Settings
from baton.kernel.values import email_key

PERIOD = 60.0
MAX_KEYS = 50_000


@dataclass(frozen=True, slots=True)
class Standing:
    """How a caller stands: `remaining` of `limit` in the window, and in how many seconds there is room (again)."""

    name: str
    limit: int
    remaining: int
    seconds: int
    allowed: bool


class OverLimit(TooMany):
    """A limit is reached; `headers` say which, and when there is room again."""

    def __init__(self, message: str, standings: "list[Standing]") -> None:
        super().__init__(message, retry_after=max(standing.seconds for standing in standings if not standing.allowed))
        self.headers = headers(standings)


class Limit:
    """At most `limit` a minute for each key, in a sliding window of two counts; 0 is no limit.

    Keys that were used longest ago are forgotten first, so an attacker with endless keys cannot fill the memory.
    """

    def __init__(
        self, name: str, limit: int, *, clock: Callable[[], float] = time.monotonic, keys: int = MAX_KEYS
    ) -> None:
        self.name, self.limit = name, limit
        self._clock, self._most = clock, keys
        self._counts: OrderedDict[str, list[int]] = OrderedDict()

    def take(self, key: str) -> Standing:
        """Count one for a key, unless its limit is reached."""
        if self.limit == 0:
            return Standing(self.name, 0, 0, 0, allowed=True)
        now = self._clock()
        window, passed = int(now // PERIOD), (now % PERIOD) / PERIOD
        count = self._count(key, window)
        used = count[1] + count[2] * (1 - passed)
        if used + 1 > self.limit:
            return Standing(self.name, self.limit, 0, self._wait(count, passed), allowed=False)
        count[1] += 1
        return Standing(
            self.name, self.limit, int(self.limit - used - 1), math.ceil(PERIOD * (1 - passed)), allowed=True
        )

    def give_back(self, key: str) -> None:
        """Take back one count of a key."""
        count = self._counts.get(key)
        if count is not None and count[1] > 0:
            count[1] -= 1

    def _count(self, key: str, window: int) -> list[int]:
        """[window, count in it, count in the one before] of a key, which is now the last to be forgotten."""
        count = self._counts.setdefault(key, [window, 0, 0])
        self._counts.move_to_end(key)
        if count[0] != window:
            count[:] = [window, 0, count[1] if count[0] == window - 1 else 0]
        while len(self._counts) > self._most:
            self._counts.popitem(last=False)
        return count

    def _wait(self, count: list[int], passed: float) -> int:
        """Seconds until one more fits."""
        room = self.limit - 1
        if count[1] <= room and count[2]:
            return max(1, math.ceil(PERIOD * (1 - (room - count[1]) / count[2] - passed)))
        return max(1, math.ceil(PERIOD * (1 - passed) + PERIOD * max(0.0, 1 - room / max(count[1], 1))))


class Limits:
    """The limits of one application, as its settings say."""

    def __init__(self, settings: Settings) -> None:
        self.trusted_proxies = settings.trusted_proxies
        self.capture_address = Limit("address", settings.capture_per_address)
        self.capture_organization = Limit("organization", settings.capture_per_organization)
        self.sign_in_address = Limit("address", settings.sign_in_per_address)
        self.sign_in_email = Limit("email", settings.sign_in_per_email)

    def address(self, request: Request) -> str:
        """The network that a request came from: an IPv4 address, or an IPv6 network of one customer (/64).

        X-Forwarded-For is read only as far as our own proxies wrote it.
        """
        found = request.client.host if request.client else ""
        if self.trusted_proxies:
            hops = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
            if len(hops) >= self.trusted_proxies:
                found = hops[-self.trusted_proxies].strip() or found
        return network(found)

    def must_admit_capture(self, request: Request, org_id: str) -> dict[str, str]:
        """Count a public capture; answers the headers that say how the caller stands. Raises TooMany."""
        standings = [self.capture_address.take(self.address(request))]
        if standings[0].allowed:
            standings.append(self.capture_organization.take(org_id))
        return _admitted(standings, "That was too many at once.")

    def must_admit_sign_in(self, request: Request, email: str) -> Callable[[], None]:
        """Count an attempt to sign in; answers what takes it back where the password was right. Raises TooMany."""
        address, person = self.address(request), email_key(email)[:254]
        standings = [self.sign_in_address.take(address), self.sign_in_email.take(person)]
        _admitted(standings, "Too many attempts to sign in.")

        def right() -> None:
            self.sign_in_address.give_back(address)
            self.sign_in_email.give_back(person)

        return right


def network(address: str) -> str:
    """What counts as one caller: an IPv4 address, also where it is written as IPv6, or an IPv6 network (/64)."""
    try:
        found = ipaddress.ip_address(address.strip("[]").partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def limits_of(request: Request) -> Limits:
    """The application's limits."""
    found: Limits = request.app.state.limits
    return found


def _admitted(standings: list[Standing], words: str) -> dict[str, str]:
    for standing in standings:
        if not standing.allowed:
            raise OverLimit(f"{words} Try again in {standing.seconds} seconds.", standings)
    return headers(standings)


def headers(standings: list[Standing]) -> dict[str, str]:
    """RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers)."""
    told = [standing for standing in standings if standing.limit]
    if not told:
        return {}
    return {
        "ratelimit-policy": ", ".join(f'"{s.name}";q={s.limit};w={int(PERIOD)}' for s in told),
        "ratelimit": ", ".join(f'"{s.name}";r={s.remaining};t={s.seconds}' for s in told),
    }
