// Takes back what a word above the page offered to take back, and says what became of it.
import { post } from "./post.js";
import { refresh } from "./live.js";
import { say } from "./toasts.js";

document.addEventListener("take-back", async ({ detail: operation }) => {
  try {
    say((await post(`/undo/${operation}`, {})).words);
  } catch (refusal) {
    say(refusal.message, { bad: true });
  }
  refresh(document.querySelectorAll("[data-live]"));
});
