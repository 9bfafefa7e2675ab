// The typed client of Weir's API. `schema.d.ts` is made from docs/openapi.json by `npm run api`; a test fails when it is stale.

import createClient from "openapi-fetch";
import type { components, paths } from "./schema";
import { keyRefused, sessionKey } from "./session";

// The folder that the page lies in, so that any path prefix works.
export const root = new URL(".", document.baseURI).href.replace(/\/$/, "");

// An answer that is none: what the server said, for people.
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export type Schema = components["schemas"];
export type Call = Schema["Call"];
export type Figures = Schema["FiguresJson"];
export type Stats = Schema["StatsAnswer"];
export type Anomaly = Schema["Anomaly"];

function authorized(headers: Headers) {
  const key = sessionKey();
  if (key) headers.set("authorization", `Bearer ${key}`);
  return headers;
}

// A request with the key of this tab, for what the typed client does not do: streams, files, other protocols.
export async function request(path: string, options: RequestInit = {}): Promise<Response> {
  const headers = authorized(new Headers(options.headers));
  let answer: Response;
  try {
    answer = await fetch(`${root}${path}`, { ...options, headers });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Refused(0, "The server cannot be reached.");
  }
  if (answer.status === 401) keyRefused();
  if (!answer.ok) throw new Refused(answer.status, await said(answer));
  return answer;
}

async function said(answer: Response): Promise<string> {
  const body = await answer.json().catch(() => undefined);
  return body?.error?.message ?? body?.message ?? `The server answered ${answer.status}.`;
}

export const api = createClient<paths>({
  baseUrl: root,
  fetch: async (wanted: Request) => {
    authorized(wanted.headers);
    try {
      const answer = await fetch(wanted);
      if (answer.status === 401) keyRefused();
      return answer;
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      throw new Refused(0, "The server cannot be reached.");
    }
  },
});

type Said = { error?: { message?: string }; message?: string } | string | undefined;

// The data of an answer of the typed client; throws what the server refused.
export async function unwrap<T>(answer: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await answer;
  if (response.ok) return data as T;
  const body = error as Said;
  const message = typeof body === "object" ? (body?.error?.message ?? body?.message) : undefined;
  throw new Refused(response.status, message ?? `The server answered ${response.status}.`);
}

// JSON of a path that docs/openapi.json does not describe: MLflow's protocol, or an endpoint of a newer server.
export async function json<T>(path: string, query: Record<string, string | undefined> = {}, options: RequestInit = {}): Promise<T> {
  const pairs = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined);
  const question = pairs.length ? `?${new URLSearchParams(pairs)}` : "";
  return (await request(`${path}${question}`, options)).json();
}

export async function post<T>(path: string, body: unknown): Promise<T> {
  return json<T>(path, {}, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
}
