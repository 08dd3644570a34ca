// A link marked data-dialog opens its page's sheet above this page; the sheet's form answers here.
import { say } from "./toasts.js";
import { _ } from "./words.js";

const dialog = document.getElementById("dialog");
const body = document.getElementById("dialog-body");

async function open(link) {
  try {
    await htmx.ajax("GET", link.href, { target: "#dialog-body", select: "#sheet", swap: "innerHTML" });
  } catch {
    location.assign(link.href);
    return;
  }
  if (!body.querySelector("#sheet")) {
    location.assign(link.href);
    return;
  }
  present();
}

/** Open the dialog for the sheet that was put into it. */
export function present() {
  if (body.querySelector("#sheet") && !dialog.open) dialog.showModal();
}

function close() {
  dialog.close();
}

if (dialog) {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-dialog]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) {
      event.preventDefault();
      open(link);
    }
    if (event.target === dialog || (dialog.open && event.target.closest?.("[data-close]"))) {
      event.preventDefault();
      close();
    }
  });
  dialog.addEventListener("close", () => body.replaceChildren());
  document.addEventListener("htmx:after:swap", () => dialog.open && body.querySelector('[aria-invalid="true"]')?.focus());
  document.addEventListener("done", (event) => {
    const { words, href, undo } = event.detail;
    if (!dialog.open) {
      location.assign(href);
      return;
    }
    close();
    const elsewhere = href && new URL(href, location.href).pathname !== location.pathname;
    say(words, { undo, act: elsewhere ? { label: _("Open"), href } : null });
  });
}
