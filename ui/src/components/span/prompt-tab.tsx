// The template that a call used beside what became of it.

import { useQuery } from "@tanstack/react-query";
import { type Call, Refused, api, unwrap } from "@/api/client";
import { readInput } from "../chat/read";
import { Chat } from "../chat/chat";
import { Code } from "../code";
import { Failed, Waiting } from "../state";

export function PromptTab({ call }: { call: Call }) {
  const name = call.prompt?.name ?? "";
  const version = call.prompt?.version ?? "";
  const found = useQuery({
    queryKey: ["prompt-version", name, version],
    retry: false,
    queryFn: ({ signal }) => unwrap(api.GET("/api/v1/prompts/{name}/versions/{version}", { params: { path: { name, version } }, signal })),
  });
  const messages = readInput(call.input);
  const absent = found.error instanceof Refused && found.error.status === 404;
  return (
    <div className="grid gap-4 xl:grid-cols-2">
      <section className="min-w-0">
        <h3 className="pb-2 text-xs font-medium text-muted">
          Template · {name}
          {version ? `@${version}` : ""}
        </h3>
        {found.isPending ? <Waiting /> : null}
        {absent ? <p className="text-muted">This version is not among this server's prompts: the call brought its name along.</p> : found.error ? <Failed error={found.error} /> : null}
        {found.data?.template ? <Code text={found.data.template} label="Template" /> : null}
        <div className="flex flex-col gap-2">
          {found.data?.messages?.map((message, n) => (
            <div key={n}>
              <p className="pb-0.5 text-xs text-muted">{message.role}</p>
              <Code text={message.content ?? ""} label={`Template of ${message.role}`} />
            </div>
          ))}
        </div>
      </section>
      <section className="min-w-0">
        <h3 className="pb-2 text-xs font-medium text-muted">Rendered</h3>
        {messages ? <Chat messages={messages} /> : <p className="text-muted">The request was not recorded.</p>}
      </section>
    </div>
  );
}
