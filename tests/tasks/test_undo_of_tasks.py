"""What is done to tasks is taken back: of leads and of contacts, changed ones as they were, as one where it was done as one. Spec C5."""

from datetime import timedelta
from typing import Any

import pytest

from baton.kernel.errors import Conflict, NotFound
from baton.kernel.perform import perform
from baton.kernel.values import new_id, utc_now
from tests.team import Team


async def _undone(team: Team, name: str, **fields: Any) -> Any:
    """Perform something as Ben, and take it back."""
    operation = new_id()
    await perform(team.db, team.ben, name, fields, operation_id=operation)
    return await team.do(team.ben, "crm.operations.undo", operationId=str(operation))


async def _task(team: Team, **about: str) -> Any:
    return await team.do(team.ben, "crm.tasks.create", title="Call", dueIn="1d", **about)


@pytest.mark.parametrize("of", ["lead", "contact"])
async def test_a_changed_task_is_as_it_was(fresh: Team, of: str) -> None:
    """Time, words, hands and what it waits for go back; of a lead its next action too."""
    lead = await fresh.capture()
    about = {"leadId": str(lead.id)} if of == "lead" else {"contactId": str(lead.contact_id)}
    task, other = await _task(fresh, **about), await _task(fresh, **about)
    later = (utc_now() + timedelta(days=9)).isoformat()
    wish = {
        "taskId": str(task.id),
        "dueAt": later,
        "title": "Write",
        "assignTo": str(fresh.ana.id),
        "needs": [str(other.id)],
    }
    undone = await _undone(fresh, "crm.tasks.edit", **wish)
    assert [effect.outcome for effect in undone.effects if effect.what == "task"] == ["reversed"]
    now = await fresh.do(fresh.ben, "crm.tasks.get", taskId=str(task.id))
    assert (now.due_at, now.title, now.assignee_id, now.needs) == (task.due_at, task.title, task.assignee_id, [])
    if of == "lead":
        again = await fresh.do(fresh.ben, "crm.leads.get", leadId=str(lead.id))
        assert again.next_action_at == min(task.due_at, other.due_at)


async def test_what_was_changed_since_is_kept(fresh: Team) -> None:
    """Another hand's later time stays, and that is said."""
    task = await _task(fresh, leadId=str((await fresh.capture()).id))
    operation = new_id()
    wish = {"taskId": str(task.id), "dueIn": "2d"}
    await perform(fresh.db, fresh.ben, "crm.tasks.snooze", wish, operation_id=operation)
    later = (utc_now() + timedelta(days=30)).isoformat()
    await fresh.do(fresh.ana, "crm.tasks.edit", taskId=str(task.id), dueAt=later)
    undone = await fresh.do(fresh.ben, "crm.operations.undo", operationId=str(operation))
    assert {effect.outcome for effect in undone.effects if effect.what == "task"} == {"kept"}


async def test_many_are_given_back_as_one(fresh: Team) -> None:
    """Tasks of a lead and of a contact, given to Ana at once, are Ben's again; of another organization nothing is found."""
    lead = await fresh.capture()
    tasks = [await _task(fresh, leadId=str(lead.id)), await _task(fresh, contactId=str(lead.contact_id))]
    ids = [str(task.id) for task in tasks]
    await _undone(fresh, "crm.tasks.bulk", taskIds=ids, act="reassign", assignTo=str(fresh.ana.id))
    found = [await fresh.do(fresh.ben, "crm.tasks.get", taskId=id) for id in ids]
    assert [task.assignee_id for task in found] == [task.assignee_id for task in tasks]
    with pytest.raises(NotFound):
        await fresh.do(fresh.ben, "crm.tasks.bulk", taskIds=[*ids, str(new_id())], act="complete")
    assert {task.status for task in found} == {"open"}


async def test_what_cannot_be_done_is_left_and_said(fresh: Team) -> None:
    """A task that is done already is left; the others are done."""
    lead = await fresh.capture()
    done, task = await _task(fresh, leadId=str(lead.id)), await _task(fresh, leadId=str(lead.id))
    await fresh.do(fresh.ben, "crm.tasks.complete", taskId=str(done.id))
    with pytest.raises(Conflict):
        await fresh.do(fresh.ben, "crm.tasks.complete", taskId=str(done.id))
    answer = await fresh.do(fresh.ben, "crm.tasks.bulk", taskIds=[str(done.id), str(task.id)], act="complete")
    assert (answer.done, [left.id for left in answer.left]) == (1, [done.id])
