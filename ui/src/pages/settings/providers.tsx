// Who serves models: where they are, how they do, what they list. Never their keys.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type Schema, api, json, unwrap } from "@/api/client";
import { Badge, type Tone } from "@/components/badge";
import { Snippet } from "@/components/code";
import { Answered, Empty } from "@/components/state";
import { Time } from "@/components/time";
import { count, millis, percent } from "@/format/number";
import { write } from "@/state/query";

type Provider = Schema["ProviderJson"];
type Deployment = Schema["DeploymentJson"];

const EVERY = 10_000;
const MOST = 100;
const TONES: Record<string, Tone> = { well: "ok", cooling: "bad", blocked: "warn" };
const ADD = '[providers.local]\nkind = "openai"\nbase_url = "http://127.0.0.1:9000/v1"\napi_key = "env:LOCAL_KEY"';

export function Providers() {
  const found = useQuery({ queryKey: ["settings", "providers"], refetchInterval: EVERY, queryFn: ({ signal }) => unwrap(api.GET("/api/v1/settings/providers", { signal })) });
  const models = useQuery({ queryKey: ["models", "all"], queryFn: async ({ signal }) => (await json<{ data: { id: string; owned_by: string }[] }>("/v1/models", {}, { signal })).data });
  const day = useQuery({ queryKey: ["stats", "providers"], refetchInterval: 60_000, placeholderData: keepPreviousData, queryFn: ({ signal }) => unwrap(api.GET("/api/v1/stats", { params: { query: { from: "24h", group_by: ["provider"] } }, signal })) });
  const of = (name: string) => day.data?.groups.find((group) => group.by.provider === name)?.total;
  return (
    <Answered of={found}>
      {({ providers }) =>
        providers.length ? (
          <div className="flex flex-col gap-4">
            <ul className="-mx-4 divide-y divide-line/60">
              {providers.map((provider) => (
                <li key={provider.name} className="flex flex-col gap-2 px-4 py-3 first:pt-0">
                  <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
                    <h3 className="font-semibold">{provider.name}</h3>
                    <Badge>{provider.kind}</Badge>
                    {provider.url ? <span className="min-w-0 truncate font-mono text-xs text-muted">{provider.url}</span> : <span className="text-xs text-muted">built in, no network</span>}
                    <KeyOf provider={provider} />
                    <Day of={of(provider.name)} name={provider.name} />
                  </div>
                  {provider.deployments.length ? (
                    <div className="flex flex-wrap gap-2">
                      {provider.deployments.map((deployment) => (
                        <Doing key={deployment.model} deployment={deployment} />
                      ))}
                    </div>
                  ) : null}
                  <Listed names={(models.data ?? []).filter((model) => model.owned_by === provider.name).map((model) => model.id)} all={provider.models === 0} />
                </li>
              ))}
            </ul>
            {providers.every((provider) => provider.kind === "demo") ? <Add /> : null}
          </div>
        ) : (
          <Empty title="No provider is configured">
            <Add />
          </Empty>
        )
      }
    </Answered>
  );
}

function Add() {
  return (
    <div className="w-full max-w-xl">
      <Snippet text={ADD}>One more in weir.toml, which is taken without a restart; or set OPENAI_API_KEY, ANTHROPIC_API_KEY, … and start again</Snippet>
    </div>
  );
}

function KeyOf({ provider }: { provider: Provider }) {
  if (!provider.url) return null;
  return provider.has_key ? <Badge tone="ok">has a key</Badge> : <Badge title="Callers' own keys are passed on, where Weir itself asks for none">no key of its own</Badge>;
}

function Day({ of, name }: { of: Schema["FiguresJson"] | undefined; name: string }) {
  if (!of) return <span className="ml-auto text-xs text-muted">no calls in 24 hours</span>;
  return (
    <Link to="/calls" search={{ q: write("provider", name) }} className="num ml-auto text-xs text-muted hover:text-text hover:underline">
      {count(of.count)} calls in 24 hours, {percent(of.count ? of.errors / of.count : 0)} failed, p50 {millis(of.latency_ms.p50)}, p95 {millis(of.latency_ms.p95)}
    </Link>
  );
}

// A model that was called since the start.
function Doing({ deployment: d }: { deployment: Deployment }) {
  return (
    <span className="inline-flex items-center gap-2 rounded-md border border-line px-2 py-1 text-xs">
      <span className="font-mono">{d.model}</span>
      <Badge tone={TONES[d.state] ?? "plain"}>{d.state === "cooling" ? "cools down" : d.state}</Badge>
      {d.until ? (
        <span className="text-muted">
          until <Time at={d.until} />
        </span>
      ) : (
        <span className="num text-muted" title="To the first byte, lately">
          {millis(d.first_byte_ms)}
        </span>
      )}
      {d.in_flight ? <span className="num text-muted">{d.in_flight} under way</span> : null}
    </span>
  );
}

function Listed({ names, all }: { names: readonly string[]; all: boolean }) {
  if (!names.length) return all ? <p className="text-xs text-muted">Any model is passed on to it.</p> : null;
  return (
    <details className="text-xs">
      <summary className="w-fit cursor-pointer text-muted hover:text-text">
        {count(names.length)} {names.length === 1 ? "model" : "models"}
        {all ? ", and any other" : ""}
      </summary>
      <p className="flex flex-wrap gap-1.5 pt-2">
        {names.slice(0, MOST).map((name) => (
          <Badge key={name} className="font-mono">
            {name}
          </Badge>
        ))}
      </p>
    </details>
  );
}
