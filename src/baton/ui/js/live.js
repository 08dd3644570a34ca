// The stream says which records changed; each part of the page reads itself again, as this user may see it.
const live = document.getElementById("live");
const MARK_FOR = 4000;
const GAP = 350;
const RECENT = 20_000;
const waiting = new Set(); // ids: a part that reads itself again may come back as another element
const reading = new Set();
const lastRead = new Map();
const marks = new Map();
let timer = 0;
let held = false;
let focused = null;

/** Ask parts of the page (elements with data-live) to read themselves again, soon and not too often. */
export function refresh(parts) {
  for (const part of parts) waiting.add(part.id);
  if (!timer && !held) timer = setTimeout(flush, 40);
}

/** While a card is being dragged nothing moves under it. */
export function hold(on) {
  held = on;
  if (!on && waiting.size && !timer) timer = setTimeout(flush, 40);
}

function flush() {
  timer = 0;
  const now = performance.now();
  let next = Infinity;
  for (const id of waiting) {
    const part = document.getElementById(id);
    if (!part) {
      waiting.delete(id);
      continue;
    }
    if (reading.has(id)) continue; // what happened meanwhile is read when this answer is there
    const gap = Number(part.dataset.gap ?? GAP); // what is costly to read says how seldom it wants to be
    const wait = (lastRead.get(id) ?? -gap) + gap - now;
    if (wait > 0) {
      next = Math.min(next, wait);
      continue;
    }
    waiting.delete(id);
    lastRead.set(id, now);
    htmx.trigger(part, "refresh", {}, false);
  }
  if (next < Infinity && !held) timer = setTimeout(flush, next);
}

function heard(event) {
  const change = JSON.parse(event.detail.data);
  const words = JSON.parse(live.dataset.words)[change.kind];
  if (change.leadId && words && change.actor.id !== live.dataset.me && age(change.id) < RECENT) mark(change, words);
  refresh(touched(change));
}

// An activity's id begins with its moment: 48 bits of milliseconds (UUIDv7).
const age = (id) => Date.now() - Number.parseInt(id.replace("-", "").slice(0, 12), 16);

function touched({ kind, leadId, stages, memberId }) {
  if (memberId) return memberId === live.dataset.me ? document.querySelectorAll('[data-live="mine"]') : [];
  const parts = new Set(document.querySelectorAll(`[data-live="all"], [data-kinds~="${kind}"], #totals`));
  for (const stage of stages) {
    const column = document.getElementById(`col-${stage}`);
    if (column) parts.add(column);
  }
  if (leadId) {
    const card = document.getElementById(`card-${leadId}`);
    if (card) parts.add(card.closest("[data-live]"));
    for (const part of document.querySelectorAll(`[data-live][data-lead="${CSS.escape(leadId)}"]`)) parts.add(part);
  }
  return parts;
}

// A move is worth more than what the same hand does beside it.
function mark({ leadId, actor, stages }, words) {
  const shown = marks.get(leadId);
  if (shown?.moved && shown.actor === actor.name && !stages.length) return;
  clearTimeout(shown?.timer);
  const gone = () => { marks.delete(leadId); unmark(leadId); };
  marks.set(leadId, { words: words.replace("%(name)s", actor.name), type: actor.type, actor: actor.name, moved: stages.length > 0, timer: setTimeout(gone, MARK_FOR) });
  paint();
}

function paint() {
  for (const [leadId, { words, type }] of marks) {
    const card = document.getElementById(`card-${leadId}`);
    if (!card) continue;
    let badge = card.querySelector(".live");
    if (!badge) {
      badge = document.createElement("span");
      badge.className = "live";
      card.append(badge);
    }
    badge.textContent = words;
    card.classList.add("moving");
    card.classList.toggle("by-user", type === "user");
  }
}

function unmark(leadId) {
  const card = document.getElementById(`card-${leadId}`);
  card?.classList.remove("moving", "by-user");
  card?.querySelector(".live")?.remove();
}

// Columns come one by one: until the one that a card has left is here, the card stands in both. The newer one stays.
function once() {
  const seen = new Map();
  for (const card of document.querySelectorAll(".col .card")) {
    const other = seen.get(card.id);
    const newer = other ? Number(card.dataset.version) - Number(other.dataset.version) : 0;
    if (newer < 0) card.remove();
    else seen.set(card.id, card);
    if (newer > 0) other.remove();
  }
}

function keepFocus() {
  if (document.activeElement !== document.body || !focused) return;
  document.getElementById(focused.card)?.querySelector(focused.within)?.focus({ preventScroll: true });
}

function connection() {
  let seen = false;
  let lost = 0;
  const notice = document.getElementById("offline");
  document.addEventListener("htmx:sse:after:connection", () => {
    clearTimeout(lost);
    lost = 0;
    notice.hidden = true;
    if (seen) refresh(document.querySelectorAll("[data-live]"));
    seen = true;
  });
  document.addEventListener("htmx:sse:error", (event) => {
    if (event.detail.status === 401) location.reload();
    lost ||= setTimeout(() => { notice.hidden = false; }, 2500);
  });
}

if (live) {
  connection();
  live.addEventListener("activity", heard);
  live.addEventListener("missed", () => refresh(document.querySelectorAll("[data-live]")));
  document.addEventListener("focusin", ({ target }) => {
    const card = target.closest?.(".card");
    focused = card ? { card: card.id, within: target.matches(".move") ? ".move" : "h3 a" } : null;
  });
  document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
    const part = ctx.sourceElement;
    if (!part?.matches?.("[data-live]") || ctx.request.method !== "GET") return;
    const shown = part.matches(".col") ? part.querySelectorAll(".card").length : 0;
    if (shown) ctx.request.body.set("shown", shown);
  });
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    if (ctx.sourceElement?.matches?.("[data-live]")) reading.add(ctx.sourceElement.id);
  });
  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
    if (reading.delete(ctx.sourceElement?.id) && waiting.size && !timer && !held) timer = setTimeout(flush, 40);
    const done = ctx.request.method !== "GET" && ctx.response?.status < 400;
    if (done && !ctx.target?.matches?.("[data-live]")) refresh(document.querySelectorAll("[data-live]"));
  });
  document.addEventListener("htmx:after:swap", () => { once(); paint(); keepFocus(); });
}
