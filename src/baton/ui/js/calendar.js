// A task is put on another day: dragged there, or with Alt and the arrows. What was done can be taken back.
import { hold, refresh } from "./live.js";
import { post } from "./post.js";
import { say } from "./toasts.js";

const calendar = () => document.getElementById("calendar");
let dragged = null;

function over(day) {
  for (const other of document.querySelectorAll(".cal-day.over")) if (other !== day) other.classList.remove("over");
  day?.classList.add("over");
}

async function put(task, wish) {
  try {
    const { words, undo } = await post(`/tasks/${task.dataset.task}/day`, wish);
    say(words, { undo });
  } catch (refusal) {
    say(refusal.message, { bad: true });
  }
  refresh([calendar()]);
}

document.addEventListener("dragstart", (event) => {
  dragged = event.target.closest?.(".cal-task[draggable]");
  if (!dragged) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.textContent.trim());
  hold(true);
});
document.addEventListener("dragover", (event) => {
  const day = dragged && event.target.closest?.(".cal-day");
  if (!day) return;
  event.preventDefault();
  over(day);
});
document.addEventListener("drop", (event) => {
  const day = dragged && event.target.closest?.(".cal-day");
  if (!day) return;
  event.preventDefault();
  if (day === dragged.closest(".cal-day")) return;
  const task = dragged;
  let list = day.querySelector("ul");
  if (!list) day.append(list = document.createElement("ul"));
  list.append(task);
  put(task, { day: day.dataset.day });
});
document.addEventListener("dragend", () => {
  if (!dragged) return;
  dragged = null;
  over(null);
  hold(false);
});
document.addEventListener("keydown", (event) => {
  const task = event.altKey && event.target.closest?.(".cal-task[draggable]");
  const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 }[event.key];
  if (!task || !by) return;
  event.preventDefault();
  moved = task.id;
  put(task, { by });
});

// The task that was moved by keys stays in focus where it came to stand.
let moved = "";
document.addEventListener("htmx:after:swap", () => {
  if (!moved || !calendar()) return;
  document.getElementById(moved)?.querySelector("a")?.focus();
});
document.addEventListener("focusin", (event) => {
  if (moved && !event.target.closest?.(`#${CSS.escape(moved)}`)) moved = "";
});
