"""What was written, said and noted with a lead, in words. Spec A7."""

from datetime import datetime

from baton.activities import kinds
from baton.activities.activity import Activity
from baton.doors.web.shell.language import _, marked
from baton.doors.web.shell.times import due_at
from baton.doors.web.told.phrases import Names, Phrase, Sentence, actor, say, strong, text


def _wrote(verb: str, by_hand: str) -> Sentence:
    """A message, note, call or meeting: `verb` where it went through the product, `by_hand` where somebody wrote it down."""

    def sentence(a: Activity, n: Names) -> Phrase:
        parts = say(_(by_hand if a.payload.get("type") else verb), actor=actor(a))
        if subject := a.payload.get("subject"):
            parts += [text(" "), strong(str(subject))]
        if outcome := a.payload.get("outcome"):
            parts += [text(": "), strong(str(outcome))]
        minutes = a.payload.get("durationMinutes")
        if minutes:
            parts.append(text(_(", %(count)s min") % {"count": minutes}))
        happened = a.payload.get("happenedAt")
        if happened:
            parts.append(text(f", {due_at(datetime.fromisoformat(happened), n.now, n.zone)}"))
        return Phrase(parts, quote=a.payload.get("notes") or a.payload.get("body") or a.payload.get("text"))

    return sentence


SENTENCES: dict[str, Sentence] = {
    kinds.EMAIL_SENT: _wrote(marked("%(actor)s sent"), marked("%(actor)s logged an email sent")),
    kinds.EMAIL_RECEIVED: _wrote(marked("%(actor)s replied"), marked("%(actor)s logged an email received")),
    kinds.WHATSAPP_SENT: _wrote(
        marked("%(actor)s sent a WhatsApp message"), marked("%(actor)s logged a WhatsApp message sent")
    ),
    kinds.WHATSAPP_RECEIVED: _wrote(
        marked("%(actor)s wrote on WhatsApp"), marked("%(actor)s logged a WhatsApp message received")
    ),
    kinds.NOTE_ADDED: _wrote(marked("%(actor)s wrote a note"), marked("%(actor)s wrote a note")),
    kinds.CALL_LOGGED: _wrote(marked("%(actor)s called"), marked("%(actor)s logged a call")),
    kinds.MEETING_LOGGED: _wrote(marked("%(actor)s met"), marked("%(actor)s logged a meeting")),
    kinds.OTHER_LOGGED: _wrote(marked("%(actor)s noted what happened"), marked("%(actor)s noted what happened")),
}
