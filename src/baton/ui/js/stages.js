// Stages put into another order by dragging; the arrows beside each do the same without a pointer.
import { post } from "./post.js";
import { hold, refresh } from "./live.js";
import { say } from "./toasts.js";

let dragged = null;

const list = (event) => event.target.closest?.("[data-order]");

async function keep(stages) {
  const order = [...stages.children].map((stage) => ["stageId", stage.dataset.stage]);
  try {
    say((await post(stages.dataset.order, order)).words);
  } catch (refusal) {
    say(refusal.message, { bad: true });
  }
  refresh(document.querySelectorAll("[data-live]"));
}

document.addEventListener("dragstart", (event) => {
  const stage = event.target.closest?.("[data-order] > [data-stage]");
  if (!stage) return;
  dragged = stage;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", stage.dataset.stage);
  requestAnimationFrame(() => stage.classList.add("dragging"));
  hold(true);
});
document.addEventListener("dragover", (event) => {
  const stages = dragged && list(event);
  if (!stages || stages !== dragged.parentElement) return;
  event.preventDefault();
  const beside = event.target.closest("[data-stage]");
  if (!beside || beside === dragged) return;
  const { top, height } = beside.getBoundingClientRect();
  stages.insertBefore(dragged, event.clientY < top + height / 2 ? beside : beside.nextElementSibling);
});
document.addEventListener("drop", (event) => {
  const stages = dragged && list(event);
  if (!stages || stages !== dragged.parentElement) return;
  event.preventDefault();
  keep(stages);
});
document.addEventListener("dragend", () => {
  if (!dragged) return;
  dragged.classList.remove("dragging");
  dragged = null;
  hold(false);
});
