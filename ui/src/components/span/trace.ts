import { useQuery } from "@tanstack/react-query";
import { type Schema, api, unwrap } from "@/api/client";

// The steps of a trace in one answer, without their payloads. Asked again while steps are open.
export function useTrace(trace: string | undefined) {
  return useQuery<Schema["PathAnswer"]>({
    queryKey: ["trace", trace],
    enabled: trace !== undefined && trace !== "",
    staleTime: 60_000,
    refetchInterval: (query) => (query.state.data?.pending ? 2_000 : false),
    queryFn: ({ signal }) => unwrap(api.GET("/api/v1/traces/{trace_id}/path", { params: { path: { trace_id: trace ?? "" } }, signal })),
  });
}
