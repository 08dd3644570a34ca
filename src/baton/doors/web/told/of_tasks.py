"""What was planned, changed, done and called off, in words. Spec A7."""

from datetime import datetime

from baton.activities import kinds
from baton.activities.activity import Activity
from baton.doors.web.shell.language import Told, _, marked
from baton.doors.web.shell.times import due_at
from baton.doors.web.told.phrases import Names, Phrase, Said, Sentence, actor, new, say, strong


def _when(a: Activity, n: Names) -> Said:
    due = a.payload.get("dueAt") or new(a, "dueAt") or new(a, "nextActionAt")
    if not due:
        return []
    return say(_(" for %(when)s"), when=strong(due_at(datetime.fromisoformat(due), n.now, n.zone)))


def _for_whom(a: Activity, n: Names) -> Said:
    name = a.payload.get("assigneeName")
    if not name or name == a.actor_name:
        return []
    return say(_(" with %(name)s"), name=n.member(a.payload.get("assigneeId"), name, a.payload.get("assigneeKind")))


_TASKS = Told(
    {
        "call": marked("%(actor)s scheduled a call"),
        "email": marked("%(actor)s scheduled an email"),
        "meeting": marked("%(actor)s scheduled a meeting"),
        "todo": marked("%(actor)s scheduled a task"),
    }
)


def _created(a: Activity, n: Names) -> Phrase:
    words = _TASKS.get(a.payload.get("taskKind", "")) or _("%(actor)s scheduled a follow-up")
    said = [*say(words, actor=actor(a)), *_when(a, n), *_for_whom(a, n)]
    title = a.payload.get("title") or ""
    return Phrase(
        said, quote=a.payload.get("notes") or (None if title.startswith("Follow up with ") else title or None)
    )


def _updated(a: Activity, n: Names) -> Said:
    title = strong(str(a.payload.get("title") or ""))
    return [
        *say(_("%(actor)s changed the task %(title)s"), actor=actor(a), title=title),
        *_when(a, n),
        *_for_whom(a, n),
    ]


def _done(a: Activity, n: Names) -> Said:
    title = a.payload.get("title")
    return say(_("%(actor)s completed %(title)s"), actor=actor(a), title=strong(str(title or _("a task"))))


def _cancelled(a: Activity, n: Names) -> Said:
    return say(
        _("%(actor)s called off %(title)s"), actor=actor(a), title=strong(str(a.payload.get("title") or _("a task")))
    )


SENTENCES: dict[str, Sentence] = {
    kinds.TASK_CREATED: _created,
    kinds.TASK_UPDATED: _updated,
    kinds.TASK_COMPLETED: _done,
    kinds.TASK_CANCELLED: _cancelled,
}
