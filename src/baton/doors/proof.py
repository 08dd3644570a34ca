"""Proof of work for forms that ask for it (ALTCHA): a browser's moment of work, which a flood of robots cannot pay for."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from altcha import v1 as altcha

from baton.kernel.security import derived
from baton.kernel.settings import Settings

LIFETIME = timedelta(minutes=20)
MOST = 60_000  # hashes that the longest search takes: about a second


@dataclass(frozen=True, slots=True)
class Proof:
    """What a visitor's browser found; `challenge` names the one task that it solves."""

    challenge: str


def challenge(settings: Settings, form: str) -> dict[str, object]:
    """A new task for a form's visitor, signed, good for twenty minutes."""
    options = altcha.ChallengeOptions(
        hmac_key=_key(settings), max_number=MOST, expires=datetime.now(UTC) + LIFETIME, params={"form": form}
    )
    made: dict[str, object] = altcha.create_challenge(options).to_dict()
    return made


def proven(settings: Settings, form: str, payload: str) -> Proof | None:
    """The proof that a payload holds for this form, None where it is missing, wrong, expired or another form's."""
    if not payload or len(payload) > 2000:
        return None
    try:
        read = altcha.Payload.from_base64(payload)
        valid, _ = altcha.verify_solution(read, _key(settings), check_expires=True)
        asked = altcha.extract_params(read.to_dict())
    except (ValueError, KeyError, TypeError, AttributeError):
        return None  # not what we hand out: no proof
    if not valid or asked.get("form") != [form] or "expires" not in asked:
        return None
    return Proof(read.challenge)


def _key(settings: Settings) -> str:
    return derived(settings.secret, "proof of work")
