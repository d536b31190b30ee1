// Keeps the page up to date. Without it every page is complete, as of when it was loaded.
//
// The agent tells by server-sent events that something changed; then the page is fetched again, and
// its elements with `data-live` and an id take the place of those here.
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

// An element that somebody works in stays as it is; to have scrolled in it is no work.
function inUse(element) {
  const active = document.activeElement;
  const selection = document.getSelection();
  return (
    (element.contains(active) && !active.classList.contains("scroll")) ||
    (!selection.isCollapsed && selection.containsNode(element, true))
  );
}

function swap(old, update) {
  for (const row of update.querySelectorAll("tr[id]")) {
    if (!document.getElementById(row.id)) row.classList.add("fresh");
  }
  for (const opened of old.querySelectorAll("details[id][open]")) {
    const details = update.querySelector(`#${CSS.escape(opened.id)}`);
    if (details) details.open = true;
  }
  const boxes = [...old.querySelectorAll(".scroll")].map((box) => ({
    left: box.scrollLeft,
    top: box.scrollTop,
    focused: box === document.activeElement,
  }));
  old.replaceWith(update);
  for (const [place, box] of update.querySelectorAll(".scroll").entries()) {
    if (!boxes[place]) break;
    box.scrollTo(boxes[place]);
    if (boxes[place].focused) box.focus({ preventScroll: true });
  }
}

function replace(fresh) {
  for (const old of document.querySelectorAll("[data-live][id]")) {
    const update = fresh.getElementById(old.id);
    if (update && !inUse(old) && !old.isEqualNode(update)) swap(old, update);
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

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) refresh();
});
setInterval(tick, 1000);
setInterval(refresh, ANYWAY_MS);
tell("Connecting…", false);
listen();
