// Shows the page that the address names after its `#`; without one, the start.

import { Refused, keep } from "./api.js";
import { find } from "./pages.js";
import { make, trail } from "./parts.js";

const start = document.querySelector("#start");
const view = document.querySelector("#view");

for (const place of document.querySelectorAll(".origin")) place.textContent = location.origin;

function refused(error) {
  const parts = [trail(), make("h1", {}, error.status === 404 ? "Not there" : "That did not work"), make("p", {}, error.message)];
  if (error instanceof Refused && error.status === 401) {
    const field = make("input", { type: "password", placeholder: "a key with the role read", "aria-label": "key", autofocus: "" });
    const give = (event) => {
      event.preventDefault();
      keep(field.value);
      show();
    };
    parts.push(make("form", { onsubmit: give }, field, make("button", {}, "Open")));
  }
  return parts;
}

async function show() {
  const page = find(location.hash);
  start.hidden = page !== undefined;
  view.hidden = page === undefined;
  if (!page) return;
  const asked = location.hash;
  const parts = await page().catch(refused);
  if (location.hash === asked) view.replaceChildren(...parts);
}

addEventListener("hashchange", show);
show();
