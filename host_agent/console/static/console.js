// Keeps the page up to date. Without it every page is complete, as of when it was loaded.
//
// The agent tells by server-sent events that something changed; then the page is fetched again, and
// its elements with `data-live` and an id tell what those here become.
"use strict";

const PAUSE_MS = 500; // between two fetches
const ANYWAY_MS = 30000; // what changes with time alone, such as a device that went quiet
const RETRY_MS = 15000; // after the agent refused the stream
const AGAIN_MS = 2000; // after the agent could not be reached
const PATIENCE_MS = 10000; // a network that swallows everything gives no answer at all

const state = document.getElementById("live");
let aheadMs = Date.now() - Number(document.documentElement.dataset.now); // this clock, of the agent's
let due = false;
let busy = false;
let stream = null;

function tell(text, on) {
  if (state.textContent !== text) state.textContent = text;
  state.classList.toggle("on", on);
}

// `old` becomes as `update` is, and what did not change stays: focus, scrolling, a selection, what
// was opened. A child is known again by its id, or by its place.
function settle(old, update) {
  if (old.isEqualNode(update)) return;
  if (old.nodeType === Node.TEXT_NODE) {
    old.data = update.data;
    return;
  }
  const isFresh = old.classList.contains("fresh");
  for (const { name } of [...old.attributes]) {
    if (!update.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  }
  for (const { name, value } of update.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  if (isFresh) old.classList.add("fresh");
  for (const child of [...old.children]) {
    if (child.id && !update.querySelector(`#${CSS.escape(child.id)}`)) child.remove();
  }
  let place = old.firstChild;
  for (const child of [...update.childNodes]) {
    if (place && place.nodeName === child.nodeName && place.id === child.id) {
      settle(place, child);
      place = place.nextSibling;
    } else {
      old.insertBefore(child, place);
    }
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function replace(fresh) {
  for (const row of fresh.querySelectorAll("tr[id]")) {
    if (!document.getElementById(row.id)) row.classList.add("fresh");
  }
  for (const old of document.querySelectorAll("[data-live][id]")) {
    const update = fresh.getElementById(old.id);
    if (update) settle(old, update);
  }
  aheadMs = Date.now() - Number(fresh.documentElement.dataset.now);
}

async function refresh() {
  due = true;
  if (busy || document.hidden) return;
  busy = true;
  while (due && !document.hidden) {
    due = false;
    try {
      const answer = await fetch(location.href, {
        headers: { "X-Background": "1" },
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      if (answer.status === 401 || new URL(answer.url).pathname === "/console/login") {
        location.reload();
        return;
      }
      if (answer.ok) {
        replace(new DOMParser().parseFromString(await answer.text(), "text/html"));
        if (stream.readyState === EventSource.OPEN) tell("Live", true);
      } else {
        tell("Out of date", false);
      }
    } catch {
      due = false;
      lost();
    }
    await new Promise((resume) => setTimeout(resume, PAUSE_MS));
  }
  busy = false;
}

// The agent is gone. A stream may not have noticed, as on a laptop that slept: a new one tells when
// the agent is back.
function lost() {
  tell("Reconnecting…", false);
  if (stream.readyState !== EventSource.OPEN) return;
  stream.close();
  setTimeout(listen, AGAIN_MS);
}

function listen() {
  stream = new EventSource("/console/live");
  stream.addEventListener("open", () => {
    tell("Live", true);
    refresh();
  });
  stream.addEventListener("changed", refresh);
  stream.addEventListener("error", () => {
    tell("Reconnecting…", false);
    if (stream.readyState === EventSource.CLOSED) {
      refresh(); // to the login, if that is why
      setTimeout(listen, RETRY_MS);
    }
  });
}

// As `ago` in pages/rendering.py.
function since(seconds) {
  if (seconds < 1) return "now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} d ago`;
}

function tick() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const ms = Date.now() - aheadMs - Date.parse(time.dateTime);
    const text = since(Math.max(0, Math.floor(ms / 1000)));
    if (time.textContent !== text) time.textContent = text;
  }
}

document.addEventListener("animationend", (event) => event.target.classList.remove("fresh"));
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) refresh();
});
setInterval(tick, 1000);
setInterval(refresh, ANYWAY_MS);
tell("Connecting…", false);
listen();
