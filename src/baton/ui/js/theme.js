// Light, dark, or as the system has it: at once, and kept for the next page, on this device and on others.
import { post, Refused } from "./post.js";

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
  keep(choice);
});

async function keep(choice) {
  try {
    await post("/theme", { theme: choice });
  } catch (refusal) {
    if (!(refusal instanceof Refused)) throw refusal; // the cookie keeps it on this device
  }
}
