// A file is dropped where it would be chosen; its name stands there then.
import { _ } from "./words.js";
const form = document.querySelector("[data-drop]");

function told(input) {
  form.querySelector("[data-file-name]").textContent = input.files[0]?.name ?? _("Choose a file, or drop it here");
}

if (form) {
  const zone = form.querySelector(".dropzone");
  const input = zone.querySelector("input");
  input.addEventListener("change", () => told(input));
  for (const kind of ["dragover", "dragleave", "drop"]) {
    zone.addEventListener(kind, (event) => {
      event.preventDefault();
      zone.classList.toggle("over", kind === "dragover");
    });
  }
  zone.addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    told(input);
  });
}
