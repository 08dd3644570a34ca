// Leads that are ticked, on this page and the others of the same list or board, and what is done to all of them at once.
import { present } from "./dialog.js";
import { say } from "./toasts.js";
import { _, number } from "./words.js";

const form = document.querySelector("[data-select]");
const bar = document.getElementById("selection-bar");
const key = form && `selection ${form.dataset.select}`;
const chosen = new Set(form ? JSON.parse(sessionStorage.getItem(key) ?? "[]") : []);
let every = false;
let last = null;

const boxes = () => [...form.elements].filter((field) => field.name === "lead");
const whole = () => document.querySelector("[data-select-all]");

function paint() {
  const all = boxes();
  for (const box of all) {
    box.checked = every || chosen.has(box.value);
    box.closest("tr, .card")?.classList.toggle("chosen", box.checked);
  }
  const head = whole();
  const ticked = all.filter((box) => box.checked).length;
  if (head) {
    head.checked = all.length > 0 && ticked === all.length;
    head.indeterminate = ticked > 0 && ticked < all.length;
  }
  const count = every ? Number(form.dataset.matching) : chosen.size;
  bar.classList.toggle("up", count > 0);
  document.getElementById("main").classList.toggle("selecting", count > 0);
  bar.querySelector("[data-count]").textContent = _("%(count)s selected", { count: number(count) });
  const more = bar.querySelector("[data-every]");
  const total = Number(form.dataset.matching ?? 0);
  more.hidden = every || !head?.checked || total <= chosen.size;
  more.textContent = _("Select all %(count)s", { count: number(total) });
  bar.querySelector('[data-bulk-act="segment"]').hidden = every;
  sessionStorage.setItem(key, JSON.stringify([...chosen]));
}

function tick(box, on) {
  if (every) for (const each of boxes()) chosen.add(each.value);
  every = false;
  if (on) chosen.add(box.value);
  else chosen.delete(box.value);
}

function none() {
  chosen.clear();
  every = false;
  paint();
}

async function ask(act) {
  const values = { ids: [...chosen].join(","), csrf: document.querySelector('meta[name="csrf"]').content };
  if (every) Object.assign(values, { ids: "", all: form.dataset.query || "q=", count: form.dataset.matching });
  try {
    await htmx.ajax("POST", `/leads/bulk/${act}`, { target: "#dialog-body", select: "#sheet", swap: "innerHTML", values });
    present();
  } catch {
    say(_("The server cannot be reached. Nothing was changed."), { bad: true });
  }
}

if (form && bar) {
  document.addEventListener("click", (event) => {
    const box = event.target.closest?.('input[name="lead"]');
    if (box?.form !== form) return;
    const all = boxes();
    const from = event.shiftKey && last ? all.findIndex((each) => each.value === last) : -1;
    const to = all.indexOf(box);
    const range = from < 0 ? [box] : all.slice(Math.min(from, to), Math.max(from, to) + 1);
    for (const each of range) tick(each, box.checked);
    last = box.value;
    paint();
  });
  document.addEventListener("change", (event) => {
    if (!event.target.matches?.("[data-select-all]")) return;
    for (const box of boxes()) tick(box, event.target.checked);
    paint();
  });
  bar.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.bulkAct) {
      event.preventDefault();
      ask(button.dataset.bulkAct);
    } else if (button.matches("[data-every]")) {
      every = true;
      paint();
    } else if (button.matches("[data-select-none]")) none();
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.closest?.("input, textarea, select, dialog") || event.metaKey || event.ctrlKey || event.altKey) return;
    if (event.key === "x") document.activeElement?.closest?.("tr, .card")?.querySelector('input[name="lead"]')?.click();
    else if (event.key === "Escape" && (chosen.size || every)) none();
  });
  document.addEventListener("done", () => document.querySelector("#dialog [data-bulk]") && none(), { capture: true });
  document.addEventListener("htmx:after:swap", (event) => {
    document.querySelector("#dialog [data-go-on]")?.closest("form").requestSubmit();
    if (event.target.id !== "dialog-body") paint();
  });
  paint();
}
