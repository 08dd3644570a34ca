"""What is said of people who come into the organization."""

from baton.activities import kinds
from baton.activities.activity import Activity
from baton.doors.web.shell.language import _
from baton.doors.web.told.phrases import Names, Said, Sentence, actor, say


def _joined(a: Activity, n: Names) -> Said:
    inviter = n.member(a.payload.get("invitedBy"), a.payload.get("inviter"))
    return say(_("%(actor)s joined, invited by %(inviter)s"), actor=actor(a), inviter=inviter)


SENTENCES: dict[str, Sentence] = {kinds.INVITATION_ACCEPTED: _joined}
