// The words that scripts say, in the reader's language: the page brings those that are not English.
const told = JSON.parse(document.querySelector('meta[name="words"]')?.content || "{}");

/** English words in the reader's language, with their values filled in: _("%(name)s is back.", { name }). */
export function _(words, values = {}) {
  return (told[words] ?? words).replace(/%\((\w+)\)s/g, (all, name) => values[name] ?? all);
}

/** A number as the reader writes it. */
export const number = (value) => value.toLocaleString(document.documentElement.lang || "en");
