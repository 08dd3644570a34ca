"""What each activity says, in words: who did what. Every kind has its sentence beside this, and only there. Spec A7, A9."""

from baton.activities.activity import Activity
from baton.doors.web.shell.language import _, told
from baton.doors.web.told import of_agents, of_leads, of_messages, of_people, of_tasks
from baton.doors.web.told.phrases import Names, Phrase, Said, actor, named, say, text
from baton.doors.web.told.verbs import VERBS

_SENTENCES = of_leads.SENTENCES | of_messages.SENTENCES | of_tasks.SENTENCES | of_agents.SENTENCES | of_people.SENTENCES


def phrase(activity: Activity, names: Names) -> Phrase:
    """The sentence of an activity. A kind that nobody has given words is told plainly, never dropped."""
    said = _SENTENCES.get(activity.kind, _plainly)(activity, names)
    if not isinstance(said, Phrase):
        said = Phrase(said)
    if approved := activity.payload.get("approvedBy"):
        said.parts.append(text(_(", approved by %(name)s") % {"name": approved}))
    said.why = said.why or (told(activity.reason) if activity.reason else None)
    return said


def _plainly(a: Activity, n: Names) -> Said:
    """A verb, and the name of what it was done to; a kind that nobody has given words yet is told as it is."""
    verb = VERBS.get(a.kind)
    if verb:
        return named(say(verb, actor=actor(a)), a.payload.get("name"))
    return say(_("%(actor)s recorded “%(kind)s”"), actor=actor(a), kind=a.kind.replace("_", " "))
