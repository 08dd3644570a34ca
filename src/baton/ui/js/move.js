// Moving a card: at once on this screen, then on the server; back again, with a clear word, if the server refuses.
import { post } from "./post.js";
import { refresh } from "./live.js";
import { say } from "./toasts.js";
import { _ } from "./words.js";

/** Move a card to a stage, which may or may not have a column here. */
export async function move(card, stage, { undoing = false } = {}) {
  const from = card.closest(".col");
  const to = document.getElementById(`col-${stage.id}`);
  if (from === to) return;
  const { lead, version, name } = card.dataset;
  const next = card.nextElementSibling;
  if (to) {
    to.querySelector(".vacant")?.remove();
    to.querySelector(".cards").prepend(card);
  } else card.hidden = true;
  card.classList.add("placed");
  card.setAttribute("aria-busy", "true");
  try {
    const answer = await post(`/leads/${lead}/move`, { stageId: stage.id, version, from: from.dataset.stage });
    card.dataset.version = answer.version;
    const back = { id: from.dataset.stage, name: from.dataset.stageName };
    say(undoing ? _("%(name)s is back in %(stage)s.", { name, stage: stage.name }) : _("%(name)s moved to %(stage)s.", { name, stage: stage.name }), {
      act: undoing ? null : { label: _("Undo"), run: () => undo(lead, stage.id, back, answer.version, name) },
    });
  } catch (refusal) {
    card.hidden = false;
    from.querySelector(".cards").insertBefore(card, next?.parentElement === from.querySelector(".cards") ? next : null);
    say(refusal.message, { bad: true });
  } finally {
    card.classList.remove("placed");
    card.removeAttribute("aria-busy");
    refresh([from, to, document.getElementById("totals")].filter(Boolean));
  }
}

async function undo(lead, stageId, back, version, name) {
  const card = document.getElementById(`card-${lead}`);
  if (card && !card.hidden) {
    move(card, back, { undoing: true });
    return;
  }
  try {
    await post(`/leads/${lead}/move`, { stageId: back.id, version, from: stageId });
    say(_("%(name)s is back in %(stage)s.", { name, stage: back.name }));
  } catch (refusal) {
    say(refusal.message, { bad: true });
  }
  refresh(document.querySelectorAll(".col, #totals"));
}
