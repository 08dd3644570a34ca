"""What became of a lead, in words: where it came from, its stage, owner, facts and score. Spec A7."""

from baton.activities import kinds
from baton.activities.activity import Activity
from baton.doors.web.shell.language import _, english
from baton.doors.web.shell.show import STATUSES, several
from baton.doors.web.told.changes import changed
from baton.doors.web.told.phrases import Names, Phrase, Said, Sentence, actor, new, old, say, strong


def _imported(a: Activity, n: Names) -> Phrase:
    via, file, message = a.payload.get("via") or a.via, a.payload.get("file"), a.payload.get("message")
    words = {
        "form": _("%(actor)s captured this lead"),
        "csv": _("%(actor)s imported this lead from %(file)s") if file else _("%(actor)s imported this lead"),
        "search": _("%(actor)s found this lead"),
    }.get(via, _("%(actor)s added this lead"))
    return Phrase(say(words, actor=actor(a), file=strong(str(file or ""))), quote=f"“{message}”" if message else None)


def _stage_changed(a: Activity, n: Names) -> Said:
    stage = n.stage(new(a, "stageId"), a.payload.get("stageName"))
    if a.payload.get("outcome") == "won":
        return say(_("%(actor)s won this lead: moved to %(stage)s"), actor=actor(a), stage=stage)
    if new(a, "stageId") is None and new(a, "status"):
        status = str(new(a, "status"))
        told_status = status if english() else STATUSES.get(status, status)
        return say(_("%(actor)s set the status to %(status)s"), actor=actor(a), status=strong(told_status))
    return say(_("%(actor)s moved to %(stage)s"), actor=actor(a), stage=stage)


def _pipeline_moved(a: Activity, n: Names) -> Said:
    pipeline, stage = n.pipeline(new(a, "pipelineId")), new(a, "stageId")
    if stage:
        words = _("%(actor)s moved this to the pipeline %(pipeline)s, stage %(stage)s")
        return say(words, actor=actor(a), pipeline=pipeline, stage=n.stage(stage))
    return say(_("%(actor)s moved this to the pipeline %(pipeline)s"), actor=actor(a), pipeline=pipeline)


def _assigned(a: Activity, n: Names) -> Said:
    taker, giver = new(a, "ownerId"), old(a, "ownerId")
    if taker is None:
        return say(
            _("%(actor)s took this from %(owner)s and left it without an owner"), actor=actor(a), owner=n.member(giver)
        )
    if a.actor_id is not None and str(a.actor_id) == taker:
        return say(_("%(actor)s took this on"), actor=actor(a))
    owner = n.member(taker, a.payload.get("ownerName"), a.payload.get("ownerKind"))
    return say(_("%(actor)s assigned this to %(owner)s"), actor=actor(a), owner=owner)


def _updated(a: Activity, n: Names) -> Phrase:
    found = changed(a.changes)
    if not found:
        return Phrase(say(_("%(actor)s looked over the facts"), actor=actor(a)))
    if len(found) > 1 or found[0].long:
        labels = strong(several([change.label for change in found]))
        return Phrase(say(_("%(actor)s changed %(facts)s"), actor=actor(a), facts=labels), changes=found)
    one = found[0]
    if not one.new:
        words, value = _("%(actor)s cleared the %(fact)s %(value)s"), one.old
    else:
        words = (
            _("%(actor)s changed the %(fact)s to %(value)s") if one.old else _("%(actor)s added the %(fact)s %(value)s")
        )
        value = one.new
    return Phrase(say(words, actor=actor(a), fact=one.label, value=strong(value)))


def _enriched(a: Activity, n: Names) -> Phrase:
    found = changed(a.changes)
    names = several([change.label for change in found]) or _("nothing new")
    words = _("%(actor)s looked this up and filled in %(facts)s")
    return Phrase(say(words, actor=actor(a), facts=strong(names)), changes=found)


def _scored(a: Activity, n: Names) -> Said:
    score = new(a, "score")
    if score is None:
        return say(_("%(actor)s scored this again: nothing changed"), actor=actor(a))
    return say(_("%(actor)s scored this %(score)s"), actor=actor(a), score=strong(str(score)))


def _converted(a: Activity, n: Names) -> Said:
    if a.payload.get("fromName"):
        lead = strong(str(a.payload["fromName"]))
        return say(_("%(actor)s made this deal of the lead %(lead)s"), actor=actor(a), lead=lead)
    pipeline = a.payload.get("pipelineName")
    words = (
        _("%(actor)s converted this into a deal in %(pipeline)s")
        if pipeline
        else _("%(actor)s converted this into a deal")
    )
    return say(words, actor=actor(a), pipeline=strong(str(pipeline or "")))


def _handed(a: Activity, n: Names) -> Phrase:
    to = n.member(new(a, "ownerId"), a.payload.get("toName"), a.payload.get("toKind"))
    return Phrase(say(_("%(actor)s handed this to %(owner)s"), actor=actor(a), owner=to), quote=a.payload.get("packet"))


SENTENCES: dict[str, Sentence] = {
    kinds.LEAD_IMPORTED: _imported,
    kinds.STAGE_CHANGED: _stage_changed,
    kinds.PIPELINE_MOVED: _pipeline_moved,
    kinds.ASSIGNMENT_CHANGED: _assigned,
    kinds.FIELD_UPDATED: _updated,
    "contact_enriched": _enriched,
    kinds.LEAD_SCORED: _scored,
    kinds.LEAD_CONVERTED: _converted,
    kinds.HANDED_OFF: _handed,
}
