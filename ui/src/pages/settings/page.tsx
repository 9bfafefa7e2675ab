// What is configured and in use, how the server does, and how programs reach it.

import { useQuery } from "@tanstack/react-query";
import { api, unwrap } from "@/api/client";
import { Badge } from "@/components/badge";
import { PageHead } from "@/components/page-head";
import { Panel } from "@/components/panel";
import { Answered } from "@/components/state";
import { Tabs } from "@/components/tabs";
import { Time } from "@/components/time";
import { useParam } from "@/state/url";
import { Channels } from "./channels";
import { Connect } from "./connect";
import { Health } from "./health";
import { KeptTab } from "./kept";
import { Keys } from "./keys";
import { Limits } from "./limits";
import { Prices } from "./prices";
import { Providers } from "./providers";
import { Storage } from "./storage";

const EVERY = 15_000;

export default function Settings() {
  const [tab, setTab] = useParam("tab", "connect");
  const status = useQuery({ queryKey: ["status"], refetchInterval: EVERY, queryFn: ({ signal }) => unwrap(api.GET("/api/v1/status", { signal })) });
  return (
    <>
      <PageHead
        title="Settings"
        about={
          status.data ? (
            <>
              Weir {status.data.version}, since <Time at={status.data.started} />
            </>
          ) : undefined
        }
      >
        {status.data?.ready === undefined || status.data.ready === null ? null : <Badge tone={status.data.ready ? "ok" : "bad"}>{status.data.ready ? "takes requests" : "takes no requests"}</Badge>}
      </PageHead>
      <div className="px-4 pb-8 lg:px-6">
        <Panel>
          <Tabs
            label="Parts of the settings"
            value={tab}
            onChange={setTab}
            tabs={[
              { name: "connect", title: "Connect", content: <Connect /> },
              { name: "keys", title: "Keys", content: <Keys /> },
              { name: "limits", title: "Limits", content: <Limits /> },
              { name: "models", title: "Providers", content: <Providers /> },
              { name: "prices", title: "Prices", content: <Prices /> },
              { name: "kept", title: "Retention", content: <KeptTab /> },
              { name: "storage", title: "Storage", content: <Storage /> },
              { name: "health", title: "Health", content: <Answered of={status}>{(data) => <Health of={data} />}</Answered> },
              { name: "channels", title: "Channels", content: <Channels /> },
            ]}
          />
        </Panel>
      </div>
    </>
  );
}
