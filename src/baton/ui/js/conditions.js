// A row of a condition offers the tests that its field takes, the values that it may have, and one more row when all are used.
import { _ } from "./words.js";
function dress(row, told) {
  const [field, test, value] = row.querySelectorAll("select, input");
  const known = told[field.value];
  for (const option of test.options) option.hidden = option.disabled = Boolean(known) && !known.tests.includes(option.value);
  if (known && !known.tests.includes(test.value)) test.value = known.tests[0];
  const several = ["in", "not_in", "between", "has_any", "has_all", "has_none"].includes(test.value);
  const days = ["within_last", "within_next", "older_than"].includes(test.value);
  const type = days ? "number" : several || !known ? "text" : known.type;
  if (value.type !== type) {
    if (type === "date" && value.value && !/^\d{4}-\d\d-\d\d$/.test(value.value)) value.value = value.value.slice(0, 10);
    value.type = type;
    if (type === "number") value.step = "any";
  }
  value.hidden = test.value === "is_set" || test.value === "is_not_set";
  value.setAttribute("list", known ? names(row, field.value, known.names) : value.getAttribute("list"));
  if (known && !known.names.length) value.removeAttribute("list");
}

function names(row, field, values) {
  const id = `names-${field}`;
  if (!document.getElementById(id)) {
    const list = document.createElement("datalist");
    list.id = id;
    list.append(...values.map((value) => new Option(value, value)));
    row.parentElement.append(list);
  }
  return id;
}

function grow(fieldset, told) {
  const rows = [...fieldset.querySelectorAll(".test")];
  const last = rows.at(-1);
  if (!last || !last.querySelector("select").value || rows.length >= 20) return;
  const next = last.cloneNode(true);
  const [field, test, value] = next.querySelectorAll("select, input");
  field.value = "";
  test.value = "=";
  value.value = "";
  const number = rows.length + 1;
  for (const [control, word] of [[field, _("Field %(number)s", { number })], [test, _("Test %(number)s", { number })], [value, _("Value %(number)s", { number })]]) control.setAttribute("aria-label", word);
  last.after(next);
  dress(next, told);
}

function ready(root) {
  for (const fieldset of root.querySelectorAll?.("[data-condition]:not([data-dressed])") ?? []) {
    fieldset.dataset.dressed = "";
    const told = JSON.parse(fieldset.dataset.condition);
    for (const row of fieldset.querySelectorAll(".test")) dress(row, told);
    fieldset.addEventListener("change", (event) => {
      const row = event.target.closest(".test");
      if (!row) return;
      dress(row, told);
      grow(fieldset, told);
    });
  }
}

// Steps: rows that ask something show a test, what stands within an "if" is indented, and one more row waits at the end.
const ASKING = ["if", "and", "gate", "gateSkip"];

function arrange(fieldset, told) {
  let depth = 0;
  let before = "";
  for (const row of fieldset.querySelectorAll(".act-row")) {
    const act = row.querySelector("select").value;
    const within = ["else", "end"].includes(act) || (act === "and" && ["if", "and"].includes(before)) ? Math.max(0, depth - 1) : depth;
    if (act === "if") depth += 1;
    if (act === "end") depth = Math.max(0, depth - 1);
    row.dataset.depth = Math.min(within, 4);
    if (ASKING.includes(act)) dress(row.querySelector(".step-test"), told);
    before = act;
  }
}

function growSteps(fieldset) {
  const rows = [...fieldset.querySelectorAll(".act-row")];
  const last = rows.at(-1);
  if (!last?.querySelector("select").value || rows.length >= 60) return;
  const next = last.cloneNode(true);
  for (const control of next.querySelectorAll("select, textarea, input")) {
    control.value = control.name === "stepOp" ? "=" : "";
    control.setAttribute("aria-label", control.getAttribute("aria-label").replace(String(rows.length), String(rows.length + 1)));
  }
  last.after(next);
}

function readySteps() {
  for (const fieldset of document.querySelectorAll("[data-steps]:not([data-dressed])")) {
    fieldset.dataset.dressed = "";
    const told = JSON.parse(fieldset.dataset.steps);
    arrange(fieldset, told);
    fieldset.addEventListener("change", () => {
      growSteps(fieldset);
      arrange(fieldset, told);
    });
  }
}

ready(document);
readySteps();
document.addEventListener("htmx:after:swap", readySteps);
document.addEventListener("htmx:after:swap", () => ready(document));
