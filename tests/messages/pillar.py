"""A mailbox of the tests: dovecot on loopback, with an account whose folder tests put messages into."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from imaplib import IMAP4
from pathlib import Path

USER, PASSWORD = "sales", "a-mailboxs-password"
_CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail/%u
first_valid_uid = 1
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {login}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""


@dataclass
class Pillar:
    """A running IMAP server."""

    port: int
    folder: Path

    def put(self, raw: bytes) -> None:
        """Put a message into the inbox, as a mail server would."""
        box = self.signed_in()
        box.append("INBOX", "", "", raw)
        box.logout()

    def signed_in(self) -> IMAP4:
        box = IMAP4("127.0.0.1", self.port, timeout=10)
        box.login(USER, PASSWORD)
        return box

    def flags(self) -> str:
        """The flags of every message."""
        box = self.signed_in()
        box.select("INBOX", readonly=True)
        found = box.fetch("1:*", "(FLAGS)")[1]
        box.logout()
        return str(found)

    def renumber(self) -> None:
        """Give the folder a new UIDVALIDITY, as a restored backup does."""
        for each in (self.folder / "mail" / USER).glob("dovecot*"):
            each.unlink()


def program() -> str | None:
    """Where dovecot is, if it is."""
    return shutil.which("dovecot", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


@contextlib.contextmanager
def running() -> Iterator[Pillar]:
    """A server for the length of a test run."""
    dovecot = program()
    assert dovecot
    folder = Path(tempfile.mkdtemp(prefix="baton-imap-"))
    folder.chmod(0o755)
    root = os.geteuid() == 0
    me = pwd.getpwnam("nobody") if root else pwd.getpwuid(os.geteuid())
    own = pwd.getpwuid(os.geteuid()).pw_name
    for name in ("run", "state", "mail"):
        (folder / name).mkdir()
    os.chown(folder / "mail", me.pw_uid, me.pw_gid)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = folder / "dovecot.conf"
    config.write_text(
        _CONFIG.format(
            folder=folder, password=PASSWORD, uid=me.pw_uid, gid=me.pw_gid, port=port,
            internal="dovecot" if root else own, login="dovenull" if root else own,
            internal_group="dovecot" if root else str(os.getegid()),
        )
    )  # fmt: skip
    process = subprocess.Popen([dovecot, "-F", "-c", str(config)])
    try:
        pillar = Pillar(port, folder)
        for _ in range(20):
            with contextlib.suppress(OSError, IMAP4.error):
                pillar.signed_in().logout()
                break
            time.sleep(0.1)
        else:
            raise AssertionError((folder / "dovecot.log").read_text()[-1500:])
        yield pillar
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)
