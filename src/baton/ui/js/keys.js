// The keys: ⌘K searches and goes anywhere, ? tells the others. None of them works while one writes.
const palette = document.getElementById("palette");
const help = document.getElementById("keys-help");
const box = document.getElementById("palette-q");

function openPalette() {
  document.getElementById("side")?.hidePopover?.();
  box.value = "";
  if (!palette.open) palette.showModal();
  box.focus();
  htmx.trigger(box, "open");
}

const hits = () => [...palette.querySelectorAll(".hit")];

// What is shown answers what was asked then; a key that comes before the answer waits for it.
const current = () => palette.querySelector("[data-q]")?.dataset.q === box.value.trim();
let early = "";

function walk(event) {
  const all = hits();
  if (event.target === box && !current() && ["ArrowDown", "Enter"].includes(event.key)) {
    event.preventDefault();
    early = event.key;
    return;
  }
  const at = all.indexOf(document.activeElement);
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const to = at + (event.key === "ArrowDown" ? 1 : -1);
    (to < 0 ? box : all[Math.min(to, all.length - 1)])?.focus();
  } else if (event.key === "Enter" && event.target === box) {
    event.preventDefault();
    all[0]?.click();
  } else if (event.key.length === 1 && event.target !== box && !event.ctrlKey && !event.metaKey) box.focus();
}

const places = () => [...document.querySelectorAll(".board .card h3 a, td.name a, .agent-card h2 a, [data-waits]")];

function step(forward) {
  const all = places();
  const at = all.findIndex((place) => place.contains(document.activeElement));
  all[at < 0 ? 0 : Math.max(0, Math.min(all.length - 1, at + (forward ? 1 : -1)))]?.focus();
}

const acts = {
  "?": () => help.showModal(),
  "/": () => document.querySelector("main input[type=search]")?.focus(),
  a: () => document.querySelector("main a[href^='/leads/new'][data-dialog]")?.click(),
  j: () => step(true),
  k: () => step(false),
};

if (palette) {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-palette]");
    if (link && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      openPalette();
    }
    if (event.target === palette || (palette.open && event.target.closest?.(".hit"))) palette.close();
    if (event.target === help || event.target.closest?.("[data-shut]")) help.close();
  });
  palette.addEventListener("keydown", walk);
  document.addEventListener("htmx:after:swap", () => {
    if (!early || !palette.open || !current()) return;
    const [first] = hits();
    if (early === "Enter") first?.click();
    else first?.focus();
    early = "";
  });
  palette.addEventListener("close", () => { early = ""; });
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "k" && (event.metaKey || event.ctrlKey) && !event.shiftKey) {
      event.preventDefault();
      openPalette();
    } else if (!event.metaKey && !event.ctrlKey && !event.altKey && !document.querySelector("dialog[open]")) {
      if (event.target.closest?.("input, textarea, select, [contenteditable]") || !acts[event.key]) return;
      event.preventDefault();
      acts[event.key]();
    }
  });
}
