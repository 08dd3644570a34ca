// "Move to": one menu for all cards, opened beside the card's own button; arrows, Home, End, letters and Escape work.
import { move } from "./move.js";
import { _ } from "./words.js";

const menu = document.getElementById("move-menu");
let button = null;

const items = () => [...menu.querySelectorAll('[role="menuitem"]:not([aria-disabled="true"])')];

function open(by) {
  button = by;
  const card = by.closest(".card");
  const here = card.closest(".col").dataset.stage;
  menu.querySelector("#move-title").textContent = _("Move %(name)s to", { name: card.dataset.name });
  for (const item of menu.querySelectorAll('[role="menuitem"]')) {
    item.toggleAttribute("aria-current", item.dataset.stage === here);
    item.setAttribute("aria-disabled", String(item.dataset.stage === here));
  }
  card.classList.add("open");
  menu.showPopover();
  place(by.getBoundingClientRect());
  items()[0]?.focus();
}

function place(near) {
  const { width, height } = menu.getBoundingClientRect();
  const below = near.bottom + 4 + height < innerHeight;
  menu.style.left = `${Math.max(8, Math.min(near.left, innerWidth - width - 8))}px`;
  menu.style.top = `${below ? near.bottom + 4 : Math.max(8, near.top - 4 - height)}px`;
}

function choose(item) {
  const card = button.closest(".card");
  const stage = { id: item.dataset.stage, name: item.textContent.trim() };
  menu.hidePopover();
  move(card, stage);
  document.getElementById(card.id)?.querySelector("h3 a")?.focus();
}

function walk(event) {
  const all = items();
  const at = all.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (to !== undefined) {
    event.preventDefault();
    all.at(to % all.length).focus();
  } else if (event.key === "Tab") menu.hidePopover();
  else if (event.key.length === 1) all.find((item) => item.textContent.trim().toLowerCase().startsWith(event.key.toLowerCase()))?.focus();
}

if (menu) {
  document.addEventListener("click", (event) => {
    const by = event.target.closest?.(".card .move");
    if (!by || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    open(by);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === " " && event.target.matches?.(".card .move")) {
      event.preventDefault();
      event.target.click();
    }
  });
  menu.addEventListener("keydown", walk);
  menu.addEventListener("click", (event) => {
    const item = event.target.closest('[role="menuitem"]');
    if (item && item.getAttribute("aria-disabled") !== "true") choose(item);
  });
  menu.addEventListener("toggle", (event) => {
    if (event.newState !== "closed" || !button) return;
    button.closest(".card")?.classList.remove("open");
    if (document.activeElement === document.body) button.focus();
  });
}
