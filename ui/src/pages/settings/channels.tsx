// Where alerts are told: what waits, and whether a test was taken.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Send } from "lucide-react";
import { toast } from "sonner";
import { Refused, json, post } from "@/api/client";
import { Badge } from "@/components/badge";
import { Button } from "@/components/button";
import { Snippet } from "@/components/code";
import { Answered, Empty } from "@/components/state";
import { Time } from "@/components/time";

type Channel = { name: string; kind: string; to: string; waiting: number; last_delivered: string | null; given_up: number; error: string | null; last_test: { at: string; ok: boolean; said: string; current: boolean } | null };

const EVERY = 15_000;

export function Channels() {
  const found = useQuery({ queryKey: ["channels", "all"], retry: false, refetchInterval: EVERY, queryFn: async ({ signal }) => (await json<{ channels: Channel[] }>("/api/v1/channels", {}, { signal })).channels });
  if (found.error instanceof Refused && found.error.status === 404) return <Empty title="This server has no channels" />;
  return (
    <Answered of={found}>
      {(channels) =>
        channels.length ? (
          <ul className="divide-y divide-line/60">
            {channels.map((channel) => (
              <ChannelLine key={channel.name} channel={channel} />
            ))}
          </ul>
        ) : (
          <Empty title="No channel is configured">
            <div className="w-full max-w-xl">
              <Snippet text={'[[channels]]\nname = "ops"\nkind = "slack"\nurl = "env:SLACK_WEBHOOK"'}>In weir.toml</Snippet>
            </div>
          </Empty>
        )
      }
    </Answered>
  );
}

function ChannelLine({ channel }: { channel: Channel }) {
  const client = useQueryClient();
  const test = useMutation({
    mutationFn: () => post<{ ok?: boolean; said?: string }>(`/api/v1/channels/${encodeURIComponent(channel.name)}/test`, {}),
    onSuccess: async (said) => {
      await client.invalidateQueries({ queryKey: ["channels"] });
      if (said.ok === false) toast.error(`${channel.name}: ${said.said ?? "it was not taken"}`);
      else toast.success(`${channel.name} took the test`);
    },
    onError: (error) => toast.error(error.message),
  });
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-1 py-2">
      <span className="w-32 font-medium">{channel.name}</span>
      <Badge>{channel.kind}</Badge>
      <span className="min-w-0 flex-1 truncate text-muted">{channel.to}</span>
      {channel.error ? (
        <Badge tone="bad" title={channel.error}>
          {channel.waiting} wait
        </Badge>
      ) : channel.last_test?.ok && channel.last_test.current ? (
        <Badge tone="ok">tested</Badge>
      ) : (
        <Badge tone="warn">not tested</Badge>
      )}
      <span className="text-xs text-muted">
        last told <Time at={channel.last_delivered} relative />
      </span>
      <Button size="sm" disabled={test.isPending} onClick={() => test.mutate()}>
        <Send aria-hidden /> Test
      </Button>
    </li>
  );
}
