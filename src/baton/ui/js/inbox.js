// The inbox by keys: e is done with what is in focus, s puts a task off, Enter opens; the next one comes into focus.
const waits = () => [...document.querySelectorAll("[data-waits]")];
let next = null;
let gone = "";

function follow() {
  if (!next || document.getElementById(gone) || document.querySelector("dialog[open]")) return;
  const row = next.map((id) => document.getElementById(id)).find(Boolean);
  next = null;
  if (document.activeElement === document.body) row?.focus();
}

document.addEventListener("keydown", (event) => {
  const row = event.target.closest?.("[data-waits]");
  if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input, textarea, select")) return;
  if (event.key === "Enter" && event.target === row) {
    event.preventDefault();
    (row.querySelector("[data-act=open]") ?? row.querySelector("[data-open], h2 a"))?.click();
  }
  const wanted = { e: row.querySelector("[data-act=complete], [data-act=read]"), s: row.querySelector("[data-act=snooze1]") }[event.key];
  if (wanted) {
    event.preventDefault();
    wanted.click();
  } else if (event.key === "e") row.querySelector(".btn.primary")?.focus(); // what leaves the house is approved by a press of its own
});

// Whatever is done with a row, the one below it takes its place.
document.addEventListener("submit", ({ target }) => {
  const row = target.closest?.("[data-waits]");
  if (!row) return;
  const all = waits();
  const at = all.indexOf(row);
  next = [...all.slice(at + 1), ...all.slice(0, at).reverse()].map((each) => each.id);
  gone = row.id;
}, true);
document.addEventListener("htmx:after:swap", follow);
