// Light, dark, or as the system has it: at once, and kept in a cookie for the next page.
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-theme-choice]")) return;
  event.preventDefault();
  const choice = event.submitter?.value ?? "";
  if (choice) document.documentElement.dataset.theme = choice;
  else delete document.documentElement.dataset.theme;
  document.cookie = `theme=${choice}; path=/; max-age=${choice ? 31536000 : 0}; samesite=lax`;
  for (const button of document.querySelectorAll("[data-theme-choice] button")) {
    button.setAttribute("aria-pressed", String(button.value === choice));
  }
});
