// Asks Weir in MLflow's protocol, with the key that the reader gave for this tab.

const KEY = "weir-key";

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export function keep(key) {
  sessionStorage.setItem(KEY, key);
}

async function answer(path, options = {}) {
  const key = sessionStorage.getItem(KEY);
  const headers = { ...options.headers, ...(key ? { authorization: `Bearer ${key}` } : {}) };
  const response = await fetch(path, { ...options, headers });
  if (response.ok) return response;
  const said = await response.json().catch(() => ({}));
  throw new Refused(response.status, said.message ?? said.error?.message ?? `the server answered ${response.status}`);
}

export async function get(path, query = {}) {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
  return (await answer(`ajax-api/${path}?${new URLSearchParams(pairs)}`)).json();
}

export async function post(path, body) {
  const headers = { "content-type": "application/json" };
  return (await answer(`ajax-api/${path}`, { method: "POST", headers, body: JSON.stringify(body) })).json();
}

// A file, as the address of its bytes in this tab: a link could not send the key.
export async function file(path, query) {
  const response = await answer(`${path}?${new URLSearchParams(query)}`);
  return URL.createObjectURL(await response.blob());
}
