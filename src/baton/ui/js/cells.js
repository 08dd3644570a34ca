// A cell of the list becomes a field, and a cell again: by its pencil, Enter, Escape, or leaving it unchanged.
import { say } from "./toasts.js";
import { _ } from "./words.js";

async function open(button) {
  const cell = button.closest("td");
  try {
    await htmx.ajax("GET", button.dataset.edit, { target: cell, swap: "outerHTML" });
  } catch {
    say(_("The server cannot be reached. Nothing was changed."), { bad: true });
  }
}

async function rest(form) {
  const row = form.closest("tr");
  const key = form.closest("td").dataset.cell;
  await htmx.ajax("GET", form.dataset.rest, { target: form.closest("td"), swap: "outerHTML" });
  row.querySelector(`td[data-cell="${key}"] [data-edit]`)?.focus();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-edit]");
  if (button) open(button);
  const cancel = event.target.closest?.("[data-rest-now]");
  if (cancel) rest(cancel.closest("form"));
});
document.addEventListener("keydown", (event) => {
  const form = event.key === "Escape" && event.target.closest?.("td.editing form");
  if (form) rest(form);
});
document.addEventListener("change", (event) => {
  if (event.target.matches?.("td.editing select")) event.target.form.requestSubmit();
});
document.addEventListener("htmx:after:swap", () => {
  const field = document.querySelector("td.editing [autofocus]");
  if (field && !field.closest("td").contains(document.activeElement)) {
    field.focus();
    field.select?.();
  }
});
