// What people, judges and code said of a call; and a thumb for who looks at it now.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ThumbsDown, ThumbsUp } from "lucide-react";
import { toast } from "sonner";
import { type Call, api, post, unwrap } from "@/api/client";
import { exact } from "@/format/number";
import { Badge } from "../badge";
import { Button } from "../button";
import { Answered } from "../state";
import { Time } from "../time";

const shown = (value: unknown) => (typeof value === "number" ? exact(value) : typeof value === "string" ? value : JSON.stringify(value));

export function Scores({ call }: { call: Call }) {
  const queries = useQueryClient();
  const key = ["scores", call.span_id];
  const found = useQuery({
    queryKey: key,
    queryFn: async ({ signal }) => {
      const of = (query: { call?: string; trace_id?: string }) => unwrap(api.GET("/api/v1/scores", { params: { query }, signal }));
      const [own, trace] = await Promise.all([of({ call: call.span_id }), of({ trace_id: call.trace_id })]);
      return [...own.scores, ...trace.scores.filter((score) => own.scores.every((other) => other.id !== score.id))];
    },
  });
  const give = useMutation({
    mutationFn: (value: number) => post("/api/v1/scores", { call: call.span_id, name: "thumb", value, source: "human" }),
    onSuccess: () => queries.invalidateQueries({ queryKey: key }),
    onError: (error) => toast.error(error.message),
  });
  return (
    <div className="flex flex-col gap-3">
      <div className="flex items-center gap-2">
        <span className="text-muted">Was this good?</span>
        <Button size="sm" disabled={give.isPending} onClick={() => give.mutate(1)}>
          <ThumbsUp aria-hidden /> Yes
        </Button>
        <Button size="sm" disabled={give.isPending} onClick={() => give.mutate(0)}>
          <ThumbsDown aria-hidden /> No
        </Button>
      </div>
      <Answered of={found}>
        {(scores) =>
          scores.length ? (
            <table className="w-full text-left">
              <thead className="text-xs text-muted">
                <tr>
                  {["Name", "Value", "Source", "Of", "When"].map((head) => (
                    <th key={head} scope="col" className="border-b border-line py-1 pr-3 font-medium">
                      {head}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {scores.map((score) => (
                  <tr key={score.id} className="align-top">
                    <td className="border-b border-line py-1.5 pr-3">
                      {score.name}
                      {score.reason ? <p className="text-xs text-muted">{score.reason}</p> : null}
                    </td>
                    <td className="num border-b border-line py-1.5 pr-3 font-medium">{shown(score.value)}</td>
                    <td className="border-b border-line py-1.5 pr-3">
                      <Badge>{score.source}</Badge>
                    </td>
                    <td className="border-b border-line py-1.5 pr-3 text-muted">{score.call ? (score.call === call.span_id || score.call === call.request_id ? "this step" : "another step") : "the trace"}</td>
                    <td className="border-b border-line py-1.5 text-muted">
                      <Time at={score.updated} relative />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          ) : (
            <p className="text-muted">No score yet: none of the call, none of its trace.</p>
          )
        }
      </Answered>
    </div>
  );
}
