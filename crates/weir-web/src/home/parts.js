// Pieces of pages. Everything that was recorded is set as text, never as markup.

export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick" || key === "onsubmit") element[key] = value;
    else if (value !== undefined && value !== false) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== undefined && child !== null));
  return element;
}

export const link = (href, ...text) => make("a", { href }, ...text);

export function time(ms) {
  if (!ms) return make("span", { class: "quiet" }, "–");
  const at = new Date(Number(ms));
  return make("time", { datetime: at.toISOString(), title: at.toISOString() }, at.toLocaleString());
}

export function duration(ms) {
  if (ms === undefined || Number.isNaN(ms)) return "–";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 60000 ? `${(ms / 1000).toFixed(2)} s` : `${Math.floor(ms / 60000)} min ${Math.round((ms % 60000) / 1000)} s`;
}

export function number(value) {
  return typeof value === "number" ? value.toLocaleString("en", { maximumSignificantDigits: 6 }) : String(value);
}

export function state(name) {
  const bad = ["FAILED", "KILLED", "ERROR", "LOGGED_MODEL_UPLOAD_FAILED"].includes(name);
  return make("span", { class: bad ? "state bad" : "state" }, name ?? "–");
}

// A table; a cell is a text, a number or an element.
export function table(heads, rows, empty) {
  if (rows.length === 0) return make("p", { class: "quiet" }, empty);
  const cell = (value) =>
    typeof value === "number" ? make("td", { class: "number" }, number(value)) : make("td", { class: "wrap" }, value ?? "");
  const head = make("tr", {}, ...heads.map((text) => make("th", {}, text)));
  const body = rows.map((row) => make("tr", {}, ...row.map(cell)));
  return make("div", { class: "scroll" }, make("table", {}, make("thead", {}, head), make("tbody", {}, ...body)));
}

export const pairs = (title, entries, empty) => [make("h2", {}, title), table(["name", "value"], entries, empty)];

export const trail = (...steps) =>
  make("nav", { "aria-label": "place" }, link("#", "Weir"), ...steps.flatMap((step) => [" / ", step]));
