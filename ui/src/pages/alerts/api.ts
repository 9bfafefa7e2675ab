// Alerts, their rules and history, as the API has them.

import { json, post } from "@/api/client";

export type Severity = "info" | "warning" | "critical";

export type Alert = {
  fingerprint: string;
  rule_id: string;
  rule: string;
  project: string;
  severity: Severity;
  state: "pending" | "firing" | "no_data" | "resolved";
  since: string;
  starts_at: string | null;
  ends_at: string | null;
  labels: Record<string, string>;
  summary: string;
  description: string;
  value: number | null;
  threshold: number | null;
  unit: string;
  samples: number;
  runbook_url: string | null;
  channels: string[];
  muted: boolean;
  ack: { by: string; note: string; at: string; until: string | null } | null;
  anomaly: { id: string } | null;
  evaluated_at: string;
};

export type HistoryLine = { seq: number; rule_id: string; fingerprint: string; at: string; state: string; event: string | null; severity: Severity; value: number | null; threshold: number | null; summary: string; by: string | null };

export type Condition = { type?: string; op?: string; warn?: number; crit?: number; recover?: number; baseline?: string; factor?: number; sensitivity?: string; direction?: string; min_effect?: number };

// A rule as it is written; what the form does not know goes through it untouched.
export type RuleDoc = {
  id?: string;
  name: string;
  description?: string;
  enabled: boolean;
  severity?: Severity;
  runbook_url?: string;
  source: string;
  metric?: { measure: string; agg?: string };
  score?: string;
  budget?: string;
  slo?: string;
  anomaly?: { metrics?: string[]; min_severity?: Severity };
  project?: string;
  filters?: Record<string, unknown>;
  group_by?: string[];
  window?: string;
  condition: Condition;
  min_samples?: number;
  for?: string;
  keep_firing_for?: string;
  no_data?: string;
  renotify?: string;
  mute?: { days?: string[]; from: string; to: string; timezone?: string }[];
  channels?: string[];
  [other: string]: unknown;
};

export type Rule = {
  id: string;
  rule: RuleDoc;
  origin: "file" | "config" | "api";
  file: string | null;
  version: number | null;
  problem: string | null;
  evaluated_at: string | null;
  took_ms: number | null;
  series: number | null;
  left_out: number | null;
  error: string | null;
  firing: number;
  pending: number;
};

export type DryRun = {
  from: string;
  to: string;
  evaluations: number;
  episodes: { labels: Record<string, string>; start: string; end: string | null; severity: Severity; value: number | null; threshold: number | null; summary: string; notifications: string[] }[];
  more_episodes: number;
  left_out: number;
  notifications: Record<string, number>;
  unit: string;
  series: { labels: Record<string, string>; points: { t: string; value: number | null; threshold: number | null; firing: boolean }[] }[];
};

// Silences that people set for once.
export type Mute = { id: string; rule_id?: string; labels?: Record<string, string>; starts_at: string; ends_at: string; by: string; reason: string };
export type NewMute = { rule_id?: string; labels?: Record<string, string>; starts_at?: string; ends_at: string; reason: string };

const RULES = "/api/v1/alert-rules";
const send = (method: string, body?: unknown): RequestInit => ({ method, ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }) });
const of = (path: string, id: string) => `${path}/${encodeURIComponent(id)}`;

export const alerts = (signal: AbortSignal) => json<{ alerts: Alert[] }>("/api/v1/alerts", { limit: "500" }, { signal });
export const alert = (fingerprint: string, signal: AbortSignal) => json<{ alert: Alert; history: HistoryLine[] }>(of("/api/v1/alerts", fingerprint), {}, { signal });
export const history = (signal: AbortSignal) => json<{ history: HistoryLine[] }>("/api/v1/alerts/history", { limit: "200" }, { signal });
export const acknowledge = (fingerprint: string, note: string) => post(`${of("/api/v1/alerts", fingerprint)}/ack`, { note });
export const rules = async (signal: AbortSignal) => (await json<{ rules: Rule[] }>(RULES, {}, { signal })).rules;
export const save = (doc: RuleDoc, known: Rule | undefined) =>
  known ? json<Rule>(of(RULES, known.id), known.version ? { version: String(known.version) } : {}, send("PUT", doc)) : post<Rule>(RULES, doc);
export const remove = (id: string) => json(of(RULES, id), {}, send("DELETE"));
export const dryRun = (doc: RuleDoc) => post<DryRun>(`${RULES}/dry-run`, doc);
export const mutes = async (signal: AbortSignal) => (await json<{ mutes: Mute[] }>("/api/v1/alert-mutes", {}, { signal })).mutes;
export const mute = (said: NewMute) => post<Mute>("/api/v1/alert-mutes", said);
export const unmute = (id: string) => json(of("/api/v1/alert-mutes", id), {}, send("DELETE"));
export const historyOf = (rule: string, signal: AbortSignal) => json<{ history: HistoryLine[] }>("/api/v1/alerts/history", { rule, limit: "50" }, { signal });
export const channels = async (signal: AbortSignal) => (await json<{ channels: { name: string; kind: string }[] }>("/api/v1/channels", {}, { signal })).channels;
