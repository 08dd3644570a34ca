// What another hand wrote meanwhile is taken over into its field.
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-take]");
  const field = button?.form?.elements[button.dataset.take];
  if (!field) return;
  if (field.type === "checkbox") field.checked = button.dataset.value !== "";
  else field.value = button.dataset.value;
  field.focus();
  const both = button.closest(".both");
  button.closest("li").remove();
  if (!both.querySelector("li")) both.remove();
});
