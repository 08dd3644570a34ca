"""Every activity has its sentence, and it names who did it. Spec A7, A9."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from baton.activities import kinds
from baton.activities.activity import Activity
from baton.doors.web.shell.show import Who
from baton.doors.web.told.phrases import Names, Phrase
from baton.doors.web.told.story import tell
from baton.doors.web.told.words import phrase
from baton.kernel.values import new_id

NOW = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
MARCUS, JOAO, QUALIFIED, RENEWAL = new_id(), new_id(), new_id(), new_id()
NAMES = Names(
    stages={QUALIFIED: "Qualified"},
    pipelines={RENEWAL: "Renewal"},
    members={MARCUS: Who(MARCUS, "agent", "Marcus", "Ma"), JOAO: Who(JOAO, "person", "João Silva", "JS")},  # type: ignore[dict-item]
    now=NOW,
    zone=ZoneInfo("UTC"),
)
KINDS = sorted(value for name, value in vars(kinds).items() if name.isupper() and isinstance(value, str))
OF_SPEC_A7 = (
    "lead_imported", "stage_changed", "pipeline_moved", "assignment_changed", "field_updated", "email_sent", "email_received",
    "whatsapp_sent", "whatsapp_received", "note_added", "call_logged", "meeting_logged", "contact_enriched", "task_created",
    "task_completed", "lead_scored", "lead_qualified", "lead_disqualified", "lead_converted", "approval_requested", "approval_decided",
)  # fmt: skip


def act(kind: str, *, actor: str = "agent", operation_id: UUID | None = None, **values: Any) -> Activity:
    """An activity of Marcus, or of the website form."""
    given: dict[str, Any] = {"changes": {}, "payload": {}, "reason": None} | values
    return Activity(
        id=new_id(), kind=kind, actor_type=actor, actor_id=MARCUS if actor == "agent" else None,
        actor_name="Marcus" if actor == "agent" else "Website form", via="agent", lead_id=None, lead_version=None, subject_type="lead",
        subject_id=new_id(), operation="x", operation_id=operation_id or new_id(), caused_by=None, occurred_at=NOW, **given,
    )  # fmt: skip


def words(said: Phrase) -> str:
    """A sentence as it reads."""
    return "".join(part.text for part in said.parts)


@pytest.mark.parametrize("kind", sorted({*KINDS, *OF_SPEC_A7}))
def test_every_kind_has_a_sentence_of_its_own_that_begins_with_who_did_it(kind: str) -> None:
    """Spec A7, A9."""
    said = words(phrase(act(kind), NAMES))
    assert said.startswith("Marcus ")
    assert len(said) > len("Marcus ")
    assert "recorded" not in said
    assert kind.replace("_", " ") not in said


@pytest.mark.parametrize(
    ("activity", "sentence"),
    [
        (act("stage_changed", changes={"stageId": [None, str(QUALIFIED)]}), "Marcus moved to Qualified"),
        (act("stage_changed", changes={"stageId": [None, str(new_id())]}, payload={"stageName": "Demo"}), "Marcus moved to Demo"),
        (act("pipeline_moved", changes={"pipelineId": [None, str(RENEWAL)]}), "Marcus moved this to the pipeline Renewal"),
        (act("assignment_changed", changes={"ownerId": [None, str(MARCUS)]}), "Marcus took this on"),
        (act("assignment_changed", changes={"ownerId": [None, str(JOAO)]}), "Marcus assigned this to João Silva"),
        (
            act("assignment_changed", changes={"ownerId": [str(JOAO), None]}),
            "Marcus took this from João Silva and left it without an owner",
        ),
        (act("field_updated", changes={"title": ["CTO", "COO"]}), "Marcus changed the title to COO"),
        (act("field_updated", changes={"phone": [None, "+49"]}), "Marcus added the phone +49"),
        (act("field_updated", changes={"phone": ["+49", None]}), "Marcus cleared the phone +49"),
        (act("field_updated", changes={"phone": [None, "+49"], "title": [None, "COO"]}), "Marcus changed phone and title"),
        (act("note_added", payload={"notes": "x", "type": "note"}), "Marcus wrote a note"),
        (act("email_sent", payload={"subject": "Re: onboarding"}), "Marcus sent Re: onboarding"),
        (act("approval_requested", payload={"subject": "Re: onboarding"}), "Marcus asked to send Re: onboarding"),
        (act("task_created", payload={"dueAt": "2026-11-20T10:00:00Z"}), "Marcus scheduled a follow-up for today 10:00"),
        (act("task_completed", payload={"title": "Call"}), "Marcus completed Call"),
        (act("lead_imported", actor="system", payload={"via": "form"}), "Website form captured this lead"),
        (act("lead_imported", payload={"via": "csv", "file": "leads.csv"}), "Marcus imported this lead from leads.csv"),
    ],
)  # fmt: skip
def test_sentences(activity: Activity, sentence: str) -> None:
    assert words(phrase(activity, NAMES)) == sentence


def test_one_act_is_told_as_one_sentence() -> None:
    one = new_id()
    story = [
        act("lead_qualified", operation_id=one, reason="Score 88."),
        act("stage_changed", operation_id=one, reason="Score 88.", changes={"stageId": [None, str(QUALIFIED)]}),
        act("lead_scored", reason="Score 41: known"),
        act("note_added", payload={"notes": "x"}),
    ]
    told = [words(said) for _, said in tell(story, NAMES)]
    assert told == [
        "Marcus qualified this lead: moved to Qualified",
        "Marcus scored this again: nothing changed",
        "Marcus wrote a note",
    ]


def test_what_somebody_wrote_is_a_quote_and_money_reads_as_money() -> None:
    assert phrase(act("note_added", payload={"notes": "Call at noon"}), NAMES).quote == "Call at noon"
    said = phrase(act("field_updated", changes={"valueCents": [None, 4_200_000], "currency": ["EUR", "USD"]}), NAMES)
    assert [change.new for change in said.changes] == ["$42,000", "USD"]
