// Proof of work for a form (ALTCHA): finds the number behind the task while the visitor writes.

const form = document.querySelector("form[data-task]");
const field = form.querySelector("[data-proof]");
const task = JSON.parse(form.dataset.task);
const encoder = new TextEncoder();

async function hash(text) {
  const bytes = new Uint8Array(await crypto.subtle.digest(task.algorithm, encoder.encode(text)));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function solve() {
  const most = task.maxNumber ?? task.maxnumber;
  for (let number = 0; number <= most; number += 1) {
    if ((await hash(task.salt + number)) === task.challenge) {
      const { algorithm, challenge, salt, signature } = task;
      field.value = btoa(JSON.stringify({ algorithm, challenge, number, salt, signature }));
      return;
    }
  }
}

// Without a secure context there is no crypto.subtle: the form is sent without a proof, and a person looks at it first.
const solved = globalThis.crypto?.subtle ? solve() : Promise.resolve();

form.addEventListener("submit", (event) => {
  if (field.value || form.dataset.waited) return;
  event.preventDefault();
  form.dataset.waited = "yes";
  solved.finally(() => form.requestSubmit());
});
