// Short words about what just happened, with a way back where there is one.
import { _ } from "./words.js";
const shelf = document.getElementById("toasts");

/** Say something. `act` is {label, run} or {label, href}, `undo` an operation to take back; `bad` words stay longer. */
export function say(words, { bad = false, act = null, undo = null } = {}) {
  const toast = document.createElement("div");
  toast.className = bad ? "toast bad" : "toast";
  const text = document.createElement("p");
  text.textContent = words;
  toast.append(text);
  if (act) toast.append(control(act, toast));
  if (undo) toast.append(control({ label: _("Undo"), run: () => document.dispatchEvent(new CustomEvent("take-back", { detail: undo })) }, toast));
  toast.append(control({ label: "✕", name: _("Dismiss"), run: () => {} }, toast));
  while (shelf.children.length > 2) shelf.firstElementChild.remove();
  shelf.append(toast);
  raise();
  expire(toast, bad ? 10_000 : 6_000);
}

function control(act, toast) {
  const element = document.createElement(act.href ? "a" : "button");
  element.textContent = act.label;
  if (act.name) element.setAttribute("aria-label", act.name);
  if (act.href) element.href = act.href;
  else {
    element.type = "button";
    element.addEventListener("click", () => { toast.remove(); act.run(); });
  }
  return element;
}

function raise() {
  if (!shelf.showPopover) return;
  if (shelf.matches(":popover-open")) shelf.hidePopover();
  shelf.showPopover();
}

function expire(toast, after) {
  let timer = setTimeout(() => toast.remove(), after);
  const wait = () => clearTimeout(timer);
  const go = () => { timer = setTimeout(() => toast.remove(), after); };
  toast.addEventListener("pointerenter", wait);
  toast.addEventListener("pointerleave", go);
  toast.addEventListener("focusin", wait);
  toast.addEventListener("focusout", go);
}

if (shelf) {
  shelf.addEventListener("click", (event) => event.target.closest("button.shut")?.closest(".toast").remove());
  for (const toast of shelf.children) expire(toast, 6_000);
  document.addEventListener("toast", (event) => say(event.detail.words, event.detail));
  document.addEventListener("htmx:response:error", (event) => {
    const { response, hx } = event.detail.ctx;
    if (response.status !== 422 && !hx?.trigger && !hx?.redirect) say(_("That did not work. Nothing was changed."), { bad: true });
  });
  document.addEventListener("htmx:error", (event) => {
    if (event.detail.ctx?.request?.method !== "GET") say(_("The server cannot be reached. Nothing was changed."), { bad: true });
  });
}
