// A list whose entries are put into another order by dragging, or by the arrows beside each; its form sends them as they stand.
let dragged = null;

document.addEventListener("click", (event) => {
  const arrow = event.target.closest?.("[data-reorder] [data-way]");
  if (!arrow) return;
  const entry = arrow.closest("li");
  const other = arrow.dataset.way === "up" ? entry.previousElementSibling : entry.nextElementSibling;
  if (!other?.draggable) return;
  if (arrow.dataset.way === "up") other.before(entry);
  else other.after(entry);
  arrow.focus();
});
document.addEventListener("dragstart", (event) => {
  const entry = event.target.closest?.("[data-reorder] > li[draggable]");
  if (!entry) return;
  dragged = entry;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", entry.textContent.trim());
});
document.addEventListener("dragover", (event) => {
  const beside = dragged && event.target.closest?.("[data-reorder] > li[draggable]");
  if (!beside || beside.parentElement !== dragged.parentElement) return;
  event.preventDefault();
  const { top, height } = beside.getBoundingClientRect();
  if (beside !== dragged) beside.parentElement.insertBefore(dragged, event.clientY < top + height / 2 ? beside : beside.nextElementSibling);
});
document.addEventListener("drop", (event) => dragged && event.target.closest?.("[data-reorder]") && event.preventDefault());
document.addEventListener("dragend", () => { dragged = null; });
