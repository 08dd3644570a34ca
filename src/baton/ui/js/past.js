// The slider over a lead's story: each step is a moment, and the page is read as of it.
document.addEventListener("input", (event) => {
  const slider = event.target.closest?.("[data-moments]");
  if (slider) slider.nextElementSibling.textContent = JSON.parse(slider.dataset.moments)[slider.value].label;
});
document.addEventListener("change", (event) => {
  const slider = event.target.closest?.("[data-moments]");
  if (!slider) return;
  const { at } = JSON.parse(slider.dataset.moments)[slider.value];
  const url = new URL(slider.dataset.home, location.href);
  if (at) url.searchParams.set("at", at);
  location.assign(url);
});
