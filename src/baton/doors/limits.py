"""Rate limits, kept in this process and in bounded memory: public captures, and wrong passwords."""

import functools
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

PERIOD = 60
STEP = 5
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
    """At most `limit` in any minute for each key; 0 is no limit.

    Counts are kept in steps of five seconds. Keys that were used longest ago are forgotten first, so an attacker with
    endless keys cannot fill the memory.
    """

    def __init__(
        self, name: str, limit: int, *, clock: Callable[[], float] = time.monotonic, keys: int = MAX_KEYS
    ) -> None:
        self.name, self.limit = name, limit
        self._clock, self._most = clock, keys
        self._counts: OrderedDict[str, dict[int, int]] = OrderedDict()

    def take(self, key: str) -> Standing:
        """Count one for a key, unless its limit is reached."""
        if self.limit == 0:
            return Standing(self.name, 0, 0, 0, allowed=True)
        now = self._clock()
        step = int(now // STEP)
        steps = self._steps(key, step)
        used = sum(steps.values())
        seconds = self._until(steps, max(1, used - self.limit + 1), now)
        if used >= self.limit:
            return Standing(self.name, self.limit, 0, seconds, allowed=False)
        steps[step] = steps.get(step, 0) + 1
        return Standing(self.name, self.limit, self.limit - used - 1, seconds or PERIOD, allowed=True)

    def give_back(self, key: str) -> None:
        """Take back the last count of a key."""
        steps = self._counts.get(key)
        if steps:
            step, count = steps.popitem()
            if count > 1:
                steps[step] = count - 1

    def _steps(self, key: str, step: int) -> dict[int, int]:
        """The counts of a key in the last minute, oldest first; the key is now the last to be forgotten."""
        steps = self._counts.setdefault(key, {})
        for old in [known for known in steps if known < step - PERIOD // STEP]:
            del steps[old]
        self._counts.move_to_end(key)
        while len(self._counts) > self._most:
            self._counts.popitem(last=False)
        return steps

    @staticmethod
    def _until(steps: dict[int, int], wanted: int, now: float) -> int:
        """In how many seconds `wanted` of the counts are more than a minute old; 0 where there are none."""
        for step, count in steps.items():
            wanted -= count
            if wanted <= 0:
                return max(1, math.ceil((step + 1) * STEP + PERIOD - now))
        return 0


class Limits:
    """The limits of one application, as its settings say: this process's part of them, so that together they hold."""

    def __init__(self, settings: Settings) -> None:
        def part(name: str, limit: int) -> Limit:
            return Limit(name, max(1, limit // settings.web_processes) if limit else 0)

        self.trusted_proxies = settings.trusted_proxies
        self.capture_address = part("address", settings.capture_per_address)
        self.capture_organization = part("organization", settings.capture_per_organization)
        self.sign_in_address = part("address", settings.sign_in_per_address)
        self.sign_in_email = part("email", settings.sign_in_per_email)
        self.reset_address = part("address", settings.sign_in_per_address)
        self.reset_email = part("email", settings.sign_in_per_email)

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

    def must_admit_reset(self, request: Request, email: str) -> None:
        """Count that a link for a forgotten password is asked for, by address of the caller and by e-mail. Raises TooMany."""
        standings = [
            self.reset_address.take(self.address(request)),
            self.reset_email.take(email_key(email)[:254]),
        ]
        _admitted(standings, "Too many links asked for.")

    def must_admit_link(self, request: Request) -> Callable[[], None]:
        """Count a try at a secret link; answers what takes it back where the link leads somewhere. Raises TooMany."""
        address = self.address(request)
        _admitted([self.sign_in_address.take(address)], "Too many links that lead nowhere.")
        return functools.partial(self.sign_in_address.give_back, address)


@functools.lru_cache(maxsize=4096)
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
        "ratelimit-policy": ", ".join(f'"{s.name}";q={s.limit};w={PERIOD}' for s in told),
        "ratelimit": ", ".join(f'"{s.name}";r={s.remaining};t={s.seconds}' for s in told),
    }
