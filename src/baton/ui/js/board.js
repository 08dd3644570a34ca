// The board by pointer and by keys: drag a card to a column, walk with the arrows, press m to move.
import { hold } from "./live.js";
import { move } from "./move.js";

const board = document.getElementById("board");
let dragged = null;

function over(column) {
  for (const other of board.querySelectorAll(".col.over")) if (other !== column) other.classList.remove("over");
  column?.classList.add("over");
}

function drag() {
  board.addEventListener("dragstart", (event) => {
    dragged = event.target.closest?.(".card[draggable]");
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.dataset.name);
    requestAnimationFrame(() => dragged?.classList.add("dragging"));
    hold(true);
  });
  board.addEventListener("dragover", (event) => {
    const column = dragged && event.target.closest?.(".col");
    if (!column) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "move";
    over(column);
  });
  board.addEventListener("dragleave", (event) => {
    if (!board.contains(event.relatedTarget)) over(null);
  });
  board.addEventListener("drop", (event) => {
    const column = event.target.closest?.(".col");
    if (!dragged || !column) return;
    event.preventDefault();
    move(dragged, { id: column.dataset.stage, name: column.dataset.stageName });
  });
  board.addEventListener("dragend", () => {
    dragged?.classList.remove("dragging");
    dragged = null;
    over(null);
    hold(false);
  });
}

function neighbour(card, key) {
  if (key === "ArrowDown") return card.nextElementSibling?.closest(".card");
  if (key === "ArrowUp") return card.previousElementSibling?.closest(".card");
  const row = [...card.parentElement.children].indexOf(card);
  let column = card.closest(".col");
  const forward = key === "ArrowRight";
  while ((column = forward ? column.nextElementSibling : column.previousElementSibling)) {
    const cards = column.querySelectorAll(".card");
    if (cards.length) return cards[Math.min(row, cards.length - 1)];
  }
  return null;
}

function keys() {
  board.addEventListener("keydown", (event) => {
    const card = event.target.closest?.(".card");
    if (!card || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key.startsWith("Arrow")) {
      const next = neighbour(card, event.key);
      if (!next) return;
      event.preventDefault();
      next.querySelector("h3 a").focus();
    } else if (event.key === "m") card.querySelector(".move")?.click();
  });
}

if (board) {
  drag();
  keys();
}
