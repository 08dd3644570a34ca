// The composer says what it expects, sends by Ctrl or ⌘ with Enter, and is empty again afterwards.
document.addEventListener("change", (event) => {
  const form = event.target.closest?.(".composer");
  if (!form || event.target.name !== "type") return;
  const text = form.elements.text;
  text.placeholder = JSON.parse(text.dataset.placeholders)[event.target.value];
  text.required = !["call", "meeting"].includes(event.target.value);
  text.focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.target.closest?.(".composer")?.requestSubmit();
});
document.addEventListener("htmx:after:request", (event) => {
  const { sourceElement, response } = event.detail.ctx;
  if (sourceElement?.matches?.("[data-reset]") && response.status < 400) {
    sourceElement.reset();
    document.activeElement?.blur();
  }
});

// The signature below a mail is that of the mailbox it is written from.
document.addEventListener("change", ({ target }) => {
  if (!target.matches?.("select[name=mailbox]")) return;
  for (const each of target.form.querySelectorAll("[data-signature]")) each.hidden = each.dataset.signature !== target.value;
});
