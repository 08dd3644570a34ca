"""A lead's story: its activities in sentences, those of one act told as one."""

from collections.abc import Iterable

from baton.activities import kinds
from baton.activities.activity import Activity
from baton.doors.web.shell.language import Told, marked
from baton.doors.web.shell.language import told as in_words
from baton.doors.web.told.phrases import Names, Phrase, actor, say
from baton.doors.web.told.words import phrase

_BESIDE = (kinds.LEAD_SCORED, kinds.LEAD_QUALIFIED, kinds.LEAD_DISQUALIFIED)
_DONE = Told(
    {
        kinds.LEAD_QUALIFIED: marked("%(actor)s qualified this lead: moved to %(stage)s"),
        kinds.LEAD_DISQUALIFIED: marked("%(actor)s disqualified this lead: moved to %(stage)s"),
    }
)


def tell(activities: Iterable[Activity], names: Names) -> list[tuple[Activity, Phrase]]:
    """The sentences of activities, newest first; what one act did besides (a score, a stamp) is told with it."""
    told: list[tuple[Activity, Phrase]] = []
    besides: list[Activity] = []
    for activity in activities:
        if activity.kind in _BESIDE:
            besides.append(activity)
            continue
        said = phrase(activity, names)
        for extra in besides:
            if extra.operation_id == activity.operation_id:
                _join(said, extra)
            else:
                told.append((extra, phrase(extra, names)))
        told.append((activity, said))
        besides = []
    return told + [(extra, phrase(extra, names)) for extra in besides]


def _join(said: Phrase, extra: Activity) -> None:
    if extra.kind == kinds.LEAD_SCORED:
        reason = in_words(extra.reason) if extra.reason else ""
        if reason and reason != said.why:
            said.why = " ".join(_ended(why) for why in (said.why, reason) if why)
        return
    words = _DONE.get(extra.kind)
    if words is not None and said.parts[-1].kind == "strong":
        said.parts = say(words, actor=actor(extra), stage=said.parts[-1])


def _ended(sentence: str) -> str:
    return sentence if sentence[-1] in ".!?…" else f"{sentence}."
