// A filter applies as soon as it is chosen; a search when one stops typing or presses Enter.
for (const form of document.querySelectorAll("[data-filters]")) {
  const submit = () => {
    for (const field of form.elements) field.disabled = field.name && !field.value;
    form.requestSubmit();
  };
  form.addEventListener("change", (event) => event.target.matches("select, input[type=date]") && submit());
  form.addEventListener("search", submit);
  form.addEventListener("submit", () => {
    for (const field of form.elements) if (field.name && !field.value) field.disabled = true;
  });
}
addEventListener("pageshow", () => {
  for (const field of document.querySelectorAll("[data-filters] :disabled")) field.disabled = false;
});
