"""What belongs to the installation rather than to an organization: the vault of secrets, and the way out to the network."""

import os
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from baton.kernel.errors import Unavailable
from baton.kernel.outbound import Outbound
from baton.kernel.relay_mail import MailRelay, mail_relay
from baton.kernel.security import derived

if TYPE_CHECKING:
    from baton.kernel.settings import Settings

_NONCE = 12


@dataclass(frozen=True, slots=True)
class Vault:
    """Keeps secrets that must be told again (a webhook's, a provider's key) encrypted at rest: AES-256-GCM (NIST SP 800-38D).

    The key is derived from the installation's secret. `place` says where a secret lies; it cannot be read elsewhere.
    """

    secret: str = ""

    def seal(self, text: str, place: str) -> bytes:
        """The secret, encrypted for its place."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher().encrypt(nonce, text.encode(), place.encode())

    def open(self, sealed: bytes, place: str) -> str:
        """The secret of a place. Raises Unavailable where the installation's secret is another than when it was sealed."""
        try:
            return self._cipher().decrypt(sealed[:_NONCE], sealed[_NONCE:], place.encode()).decode()
        except InvalidTag:
            raise Unavailable(
                "A stored secret cannot be read: it was written with another BATON_SECRET. Restore that one, or store the secret anew."
            ) from None

    def _cipher(self) -> AESGCM:
        if not self.secret:
            raise Unavailable("This process was started without the installation's secret, so it can keep no other.")
        return AESGCM(bytes.fromhex(derived(self.secret, "vault")))


@dataclass(frozen=True, slots=True)
class Kept:
    """For how long what has served its time is kept: idempotency keys, the log of finished jobs, and notices."""

    keys: timedelta = timedelta(days=30)
    jobs: timedelta = timedelta(days=14)
    notices: timedelta = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class Installation:
    """The installation as verbs and jobs see it. `public_url` is what links begin with, `data_dir` where files lie,
    `mail` who carries mail for those without a mailbox of their own."""

    vault: Vault = field(default_factory=Vault)
    outbound: Outbound = field(default_factory=Outbound)
    public_url: str = ""
    data_dir: Path | None = None
    mail: MailRelay | None = None
    kept: Kept = field(default_factory=Kept)


def installation(settings: "Settings") -> Installation:
    """The installation that settings describe."""
    return Installation(
        Vault(settings.secret),
        Outbound(settings.outbound_allow),
        settings.public_url,
        settings.data_dir,
        mail_relay(settings.smtp_url, settings.mail_from),
        Kept(
            timedelta(days=settings.keep_keys),
            timedelta(days=settings.keep_jobs),
            timedelta(days=settings.keep_notices),
        ),
    )
