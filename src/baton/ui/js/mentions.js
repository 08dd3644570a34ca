// "@" in a note offers the people of the organization; arrows choose, Enter or Tab takes, Escape leaves.
const list = document.createElement("ul");
list.className = "mentions";
list.id = "mentions";
list.role = "listbox";
list.popover = "manual";
list.setAttribute("aria-label", "People");
let field = null;
let chosen = 0;

const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
const open = () => list.matches(":popover-open");

/** The "@…" that the caret stands in: where it begins and what is typed of the name. */
function typed() {
  const before = field.value.slice(0, field.selectionStart);
  const found = /(?:^|[\s(])@([\p{L}\p{M}'’-]*(?: [\p{L}\p{M}'’-]*)?)$/u.exec(before);
  return found && { begin: before.length - found[1].length, word: found[1] };
}

function offer() {
  const at = typed();
  const names = at ? JSON.parse(field.dataset.people).filter((name) => fits(name, fold(at.word))).slice(0, 6) : [];
  if (!names.length) return shut();
  list.replaceChildren(...names.map((name, index) => {
    const item = document.createElement("li");
    item.role = "option";
    item.id = `mention-${index}`;
    item.textContent = name;
    return item;
  }));
  if (!list.isConnected) document.getElementById("main").append(list);
  if (!open()) list.showPopover();
  const box = field.getBoundingClientRect();
  list.style.left = `${Math.max(8, Math.min(box.left, innerWidth - list.offsetWidth - 8))}px`;
  const below = box.bottom + 4 + list.offsetHeight < innerHeight;
  list.style.top = `${below ? box.bottom + 4 : Math.max(8, box.top - 4 - list.offsetHeight)}px`;
  field.setAttribute("aria-controls", list.id);
  select(0);
}

const fits = (name, word) => fold(name).startsWith(word) || fold(name).split(/\s+/).some((part) => word && part.startsWith(word));

function select(index) {
  const all = [...list.children];
  chosen = (index + all.length) % all.length;
  all.forEach((item, at) => item.setAttribute("aria-selected", String(at === chosen)));
  field.setAttribute("aria-activedescendant", all[chosen].id);
}

function shut() {
  if (open()) list.hidePopover();
  field?.removeAttribute("aria-activedescendant");
  field?.removeAttribute("aria-controls");
}

function take(name) {
  const { begin } = typed();
  field.setRangeText(`${name} `, begin, field.selectionStart, "end");
  shut();
}

document.addEventListener("input", (event) => {
  if (!event.target.matches?.("[data-people]")) return;
  field = event.target;
  offer();
});
document.addEventListener("keydown", (event) => {
  if (event.target !== field || !open()) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) select(chosen + step);
  else if ((event.key === "Enter" && !event.ctrlKey && !event.metaKey) || event.key === "Tab") take(list.children[chosen].textContent);
  else if (event.key === "Escape") shut();
  else return;
  event.preventDefault();
  event.stopPropagation();
}, true);
list.addEventListener("pointerdown", (event) => {
  event.preventDefault(); // the text keeps the focus
  const item = event.target.closest("li");
  if (item) take(item.textContent);
});
document.addEventListener("focusout", (event) => event.target === field && shut());
