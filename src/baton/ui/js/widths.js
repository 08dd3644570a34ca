// The widths of the list's columns: an edge is dragged, or moved by the arrows; they are kept on this device.
import { hold } from "./live.js";

const LEAST = 48;
const MOST = 900;
const STEP = 16;
let dragged = null;

const heads = (table) => [...table.tHead.rows[0].cells];

// A table lays its columns out by itself until one of them is given a width; from then on all have one.
function fix(table) {
  if (table.querySelector("colgroup")) return;
  const group = document.createElement("colgroup");
  for (const head of heads(table)) {
    const col = document.createElement("col");
    col.width = Math.round(head.getBoundingClientRect().width);
    group.append(col);
  }
  table.prepend(group);
  table.classList.add("sized");
}

function set(table, head, width) {
  const pixels = Math.max(LEAST, Math.min(MOST, Math.round(width)));
  table.querySelectorAll("col")[head.cellIndex].width = pixels;
  head.querySelector(".grip").setAttribute("aria-valuenow", pixels);
}

function keep(table) {
  const cols = table.querySelectorAll("col");
  const all = heads(table).filter((head) => head.dataset.cell);
  const kept = all.map((head) => `${head.dataset.cell}:${cols[head.cellIndex].width}`).join(",");
  document.cookie = `${table.dataset.widths}=${encodeURIComponent(kept)}; path=/leads; max-age=31536000; samesite=lax`;
}

function reset(table) {
  table.querySelector("colgroup")?.remove();
  table.classList.remove("sized");
  document.cookie = `${table.dataset.widths}=; path=/leads; max-age=0; samesite=lax`;
}

const grip = (event) => event.target.closest?.("[data-widths] .grip");

document.addEventListener("pointerdown", (event) => {
  const edge = grip(event);
  if (!edge || event.button !== 0) return;
  event.preventDefault();
  const head = edge.closest("th");
  const table = head.closest("table");
  fix(table);
  dragged = { edge, head, table, from: event.clientX, width: Number(table.querySelectorAll("col")[head.cellIndex].width) };
  edge.setPointerCapture(event.pointerId);
  edge.classList.add("held");
  hold(true);
});
document.addEventListener("pointermove", (event) => {
  if (dragged) set(dragged.table, dragged.head, dragged.width + event.clientX - dragged.from);
});
for (const kind of ["pointerup", "pointercancel"]) {
  document.addEventListener(kind, () => {
    if (!dragged) return;
    dragged.edge.classList.remove("held");
    keep(dragged.table);
    dragged = null;
    hold(false);
  });
}
document.addEventListener("dblclick", (event) => {
  const edge = grip(event);
  if (edge) reset(edge.closest("table"));
});
document.addEventListener("keydown", (event) => {
  const edge = grip(event);
  if (!edge || !["ArrowLeft", "ArrowRight", "Home"].includes(event.key)) return;
  event.preventDefault();
  const head = edge.closest("th");
  const table = head.closest("table");
  if (event.key === "Home") {
    reset(table);
    return;
  }
  fix(table);
  const by = (event.key === "ArrowRight" ? STEP : -STEP) * (event.shiftKey ? 4 : 1);
  set(table, head, Number(table.querySelectorAll("col")[head.cellIndex].width) + by);
  keep(table);
});
