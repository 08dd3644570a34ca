// A change asked of the server by this page, with the proof that it comes from here.
import { _ } from "./words.js";
export class Refused extends Error {}

/** POST a form's values; answers the JSON of a success, throws Refused with the server's words otherwise. */
export async function post(url, values) {
  let response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { Accept: "application/json", "X-CSRF-Token": document.querySelector('meta[name="csrf"]').content },
      body: new URLSearchParams(values),
    });
  } catch {
    throw new Refused(_("The server cannot be reached. Nothing was changed."));
  }
  if (response.status === 401) location.reload();
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(answer.message ?? _("That did not work. Try again."));
  return answer;
}
