// What stands where nothing was recorded yet: a first call to paste, with this server's address in it, and it is noticed live.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { api, root, unwrap } from "@/api/client";
import { sessionKey } from "@/api/session";
import { useParam } from "@/state/url";
import { Segments } from "./choice";
import { Snippet } from "./code";
import { WAYS, type Way, snippet } from "./first-calls";
import { Noticed } from "./next-step";

const EVERY = 2_000;

// Whether anything was ever recorded; undefined while it is not known.
export function useAnyCall(): boolean | undefined {
  const queries = useQueryClient();
  const { data } = useQuery<boolean>({
    queryKey: ["any-call"],
    refetchInterval: (query) => (query.state.data === false ? EVERY : false),
    staleTime: 60_000,
    queryFn: async ({ signal }) => (await unwrap(api.GET("/api/v1/calls", { params: { query: { limit: "1", kind: ["any"] } }, signal }))).calls.length > 0,
  });
  // The first call of all has come: what was asked before knows nothing of it.
  const none = useRef(false);
  useEffect(() => {
    if (data && none.current) void queries.invalidateQueries({ queryKey: ["stats"] });
    none.current = data === false;
  }, [data, queries]);
  return data;
}

// `about`: what the page shows then.
export function FirstCall({ about = "Every call through it is priced, recorded and counted" }: { about?: string }) {
  const [way, setWay] = useParam("way", "curl");
  return (
    <div className="mx-auto flex max-w-2xl flex-col gap-4 px-4 py-12">
      <h1 className="text-xl font-semibold tracking-tight">Make a first call</h1>
      <p className="text-muted">Weir is running. {about}; the built-in provider “demo” needs no account.</p>
      <div className="overflow-x-auto">
        <Segments label="Client" value={way as Way} options={WAYS} onChange={setWay} />
      </div>
      <Snippet text={snippet(way as Way, root, sessionKey() !== null)} />
      <Noticed />
    </div>
  );
}
