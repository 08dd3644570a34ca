"""What members are told of: each event's name, its words, and whether it is mailed unless they say otherwise. Spec A6."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NoticeEvent:
    """One thing that may be told: `email` where it is also mailed as long as the member has not chosen."""

    label: str
    email: bool = False


EVENTS: dict[str, NoticeEvent] = {
    "reply": NoticeEvent("A lead of mine replies", email=True),
    "assigned": NoticeEvent("A lead is assigned to me"),
    "task_assigned": NoticeEvent("A task is given to me"),
    "follow_up_due": NoticeEvent("A follow-up is due"),
    "overdue": NoticeEvent("Every morning: my overdue follow-ups", email=True),
    "sla_near": NoticeEvent("A lead has been in its stage for nearly as long as it should"),
    "sla_missed": NoticeEvent("A lead has been in its stage for too long", email=True),
    "mention": NoticeEvent("Somebody mentions me in a note", email=True),
    "nurture": NoticeEvent("A lead of mine was written to by itself"),
    "approval": NoticeEvent("Something waits for my approval", email=True),
    "agent": NoticeEvent("An agent of mine needs a person", email=True),
    "joined": NoticeEvent("Somebody whom I invited joins"),
    "webhook_disabled": NoticeEvent("A webhook was switched off", email=True),
}
"""Rooms of the product may tell of other events too: those are shown in the product and not mailed."""

OTHER = NoticeEvent("Anything else")
