// The list of requests: new rows as they come, filters without leaving the list, keys, and the opened
// request beside it. Without this the list is links and a form.

const MOST_ROWS = 200;
const PATIENCE = 2000;
const PANE = "#detail .opened-request";
const page = document.querySelector(".requests");
const form = document.getElementById("filters");
const detail = document.getElementById("detail");
const wide = matchMedia("(min-width: 64rem)");
const list = () => document.getElementById("found");
const find = (selector) => list().querySelector(selector);

// --- New rows

let source = null;
let after = "";
let stopped = false;
let lost = 0;
let begun = false;
const held = document.createElement("tbody");
let heldCount = 0;

const pane = () => find(".pane");
const scrolled = () => pane().scrollTop > 4 || pane().getBoundingClientRect().top < 0;
const paused = () => stopped || scrolled();

function connect() {
  disconnect();
  const { events } = list().dataset;
  if (!events || document.hidden) return;
  source = new EventSource(`${events}${events.includes("?") ? "&" : "?"}after=${after}`);
  source.addEventListener("open", () => { clearTimeout(lost); lost = 0; begun = true; show(); });
  // The server ends each stream after a while, and the browser begins another one.
  source.addEventListener("error", (event) => {
    lost ||= setTimeout(() => { lost = -1; show(); }, PATIENCE);
    // A browser gives up after an answer that is no stream.
    if (event.target.readyState === EventSource.CLOSED) setTimeout(connect, PATIENCE);
  });
  source.addEventListener("gone", (event) => { after = event.lastEventId; clear(); });
  source.addEventListener("rows", (event) => { after = event.lastEventId; take(event.data); });
}

function disconnect() {
  source?.close();
  source = null;
}

function begin() {
  after = list().dataset.after;
  begun = false;
  stopped = false;
  held.replaceChildren();
  heldCount = 0;
  connect();
  show();
}

function take(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  for (const row of template.content.children) heldCount += Number(row.dataset.more ?? 1);
  const total = template.content.firstElementChild?.dataset.total;
  held.prepend(template.content);
  trim(held);
  if (!paused()) release();
  countAll(total);
  show();
}

function countAll(total) {
  const label = find(".total");
  if (!label || total === undefined) return;
  label.textContent = label.dataset.text.replace("{}", Number(total).toLocaleString());
  label.hidden = false;
}

function release() {
  const body = find("tbody");
  if (held.rows.length) {
    find("table").hidden = false;
    find(".empty")?.remove();
    body.prepend(...held.rows);
    mark();
    if (trim(body)) {
      const link = find(".older a");
      const url = new URL(link.href);
      url.searchParams.set("before", body.lastElementChild.dataset.before);
      link.href = url;
      find(".older").hidden = false;
    }
  }
  heldCount = 0;
}

function trim(body) {
  const many = body.rows.length > MOST_ROWS;
  // A row that counts others cannot be the last: it has no place in the list.
  while (many && (body.rows.length > MOST_ROWS || body.lastElementChild.dataset.more)) body.lastElementChild.remove();
  return many;
}

function clear() {
  held.replaceChildren();
  heldCount = 0;
  find("tbody").replaceChildren();
}

function show() {
  const { live, paused: pausedText, gone, waiting, pause, resume } = list().dataset;
  if (!live) return;
  const state = lost === -1 ? "gone" : paused() ? "paused" : begun ? "live" : "";
  const text = { gone, paused: pausedText, live }[state] ?? "";
  const label = find(".state");
  if (label.textContent !== text) label.textContent = text;
  label.className = `state ${state}`;
  find(".waiting").textContent = heldCount ? waiting.replace("{}", heldCount.toLocaleString()) : "";
  const button = find(".pause");
  button.hidden = false;
  button.textContent = paused() ? resume : pause;
}

document.addEventListener("scroll", () => {
  if (!paused() && heldCount) release();
  show();
}, { capture: true, passive: true });
document.addEventListener("visibilitychange", () => document.hidden ? disconnect() : connect());
addEventListener("pagehide", disconnect);
addEventListener("pageshow", (event) => { if (event.persisted) { form.reset(); connect(); } });

// --- Filters, in the URL

const addressOf = ({ pathname, search }) => pathname + search;
const [arrival] = performance.getEntriesByType("navigation");
// A page that was loaded again has the rows of the URL that the browser asked for. The reader may have
// gone back since.
let shown = addressOf(arrival && arrival.type !== "navigate" ? new URL(arrival.name) : location);

function showsCurrent() {
  // An anchor within the opened request is no other list.
  const current = addressOf(location) === shown;
  if (!current) location.reload();
  return current;
}

function remember(url, how) {
  history[how](null, "", url);
  shown = addressOf(url);
  const back = document.querySelector(".settings [name=next]");
  back.value = url.pathname.replace(/^\/_console/, "") + url.search;
}

let loads = 0;

async function load(url) {
  const own = ++loads;
  let text;
  try {
    text = await (await fetch(url)).text();
  } catch {
    location.assign(url);
    return;
  }
  if (own !== loads) return;
  const found = new DOMParser().parseFromString(text, "text/html").getElementById("found");
  if (!found) return location.assign(url);
  list().replaceWith(found);
  remember(url, "pushState");
  begin();
}

function filter() {
  const url = new URL(form.action);
  const selected = new URL(location.href).searchParams.get("selected");
  if (selected) url.searchParams.set("selected", selected);
  for (const [name, value] of new FormData(form)) if (value.trim()) url.searchParams.set(name, value.trim());
  load(url);
}

form.addEventListener("submit", (event) => { event.preventDefault(); filter(); });
form.addEventListener("change", (event) => { if (event.target.matches("select, [type=checkbox]")) filter(); });
addEventListener("popstate", showsCurrent);

// --- The opened request, or the trace of an invocation

let opened = "";
const canOpenBeside = () => window.htmx && wide.matches;

function openBeside(address) {
  detail.hidden = false;
  page.classList.add("opened");
  htmx.ajax("GET", address, { target: PANE });
}

function mark() {
  for (const row of find("tbody").rows) {
    row.classList.toggle("selected", row.querySelector("a.open")?.pathname === opened);
  }
}

function close() {
  find("tr.selected a.open")?.focus();
  detail.hidden = true;
  page.classList.remove("opened");
  select("");
}

function select(path) {
  opened = path;
  mark();
  const url = new URL(location.href);
  url.hash = "";
  const number = /\/requests\/(\d+)$/.exec(path)?.[1];
  if (number) url.searchParams.set("selected", number);
  else url.searchParams.delete("selected");
  remember(url, "replaceState");
}

// Sending a request again leads to the new one.
detail.addEventListener("htmx:afterSwap", (event) => {
  if (event.target !== document.querySelector(PANE)) return;
  const { responsePath, finalRequestPath } = event.detail.pathInfo;
  select(new URL(responsePath ?? finalRequestPath, location.href).pathname);
  detail.scrollTop = 0;
});

detail.addEventListener("submit", (event) => {
  const { submitter, target: sent } = event;
  if (event.defaultPrevented || !window.htmx) return;
  event.preventDefault();
  const values = submitter?.name ? { [submitter.name]: submitter.value } : {};
  htmx.ajax("POST", sent.action, { source: sent, target: PANE, values });
});

page.addEventListener("click", (event) => {
  if (event.target.matches(".pause")) {
    const resume = paused();
    stopped = !resume;
    if (resume) {
      pane().scrollTop = 0;
      if (scrolled()) scrollTo(0, 0);
      release();
    }
    return show();
  }
  if (event.target.matches(".close")) return close();
  const link = event.target.closest("#found tbody a, #detail a");
  const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  if (link && /\/(requests|traces)\/[^/]+$/.test(link.pathname) && plain && canOpenBeside()) {
    event.preventDefault();
    openBeside(link.href);
  }
});

const STEPS = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 };

page.addEventListener("keydown", (event) => {
  const row = event.target.closest("#found tr");
  if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && !detail.hidden) return close();
  const links = [...find("tbody").querySelectorAll("a.open")];
  const link = links[links.indexOf(row.querySelector("a.open")) + STEPS[event.key]];
  if (!(event.key in STEPS)) return;
  event.preventDefault();
  link?.focus();
  // Beside an opened request, the next one is opened at once.
  if (link && !detail.hidden && canOpenBeside()) openBeside(link.href);
});

if (showsCurrent()) {
  begin();
  const first = document.querySelector(`${PANE} > a`);
  // htmx, if it is there, has been loaded by then.
  if (first) addEventListener("load", () => { if (canOpenBeside()) openBeside(first.href); });
}
