// One prompt: its versions, how two of them differ, which is better, and a place to try them.

import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { Play } from "lucide-react";
import { buttonClass } from "@/components/button";
import { Crumb } from "@/components/crumb";
import { PageHead } from "@/components/page-head";
import { Panel } from "@/components/panel";
import { Answered, Empty } from "@/components/state";
import { Tabs } from "@/components/tabs";
import { TimeRangePicker } from "@/components/time-range";
import { useParam } from "@/state/url";
import { prompt } from "../api";
import { Better } from "./better";
import { Diff } from "./diff";
import { Versions } from "./versions";

export default function PromptPage() {
  const name = (useParams({ strict: false }) as { prompt: string }).prompt;
  const [tab, setTab] = useParam("tab", "versions");
  const found = useQuery({ queryKey: ["prompt", name], queryFn: ({ signal }) => prompt(name, signal) });
  const title = (
    <>
      <Crumb to="/prompts">Prompts</Crumb>
      {name}
    </>
  );
  return (
    <>
      <PageHead title={title} about={found.data?.description ?? undefined}>
        <Link to="/playground" search={{ prompt: name }} className={buttonClass({ kind: "primary", size: "sm" })}>
          <Play aria-hidden /> Playground
        </Link>
        {tab === "better" ? <TimeRangePicker /> : null}
      </PageHead>
      <div className="px-4 pb-8 lg:px-6">
        <Answered of={found} absent={<Empty title="There is no such prompt" />}>
          {(data) => (
            <Panel>
              <Tabs
                label="Parts of the prompt"
                value={tab}
                onChange={setTab}
                tabs={[
                  { name: "versions", title: `Versions ${data.versions.length}`, content: <Versions of={data} /> },
                  { name: "diff", title: "Difference", content: <Diff of={data} /> },
                  { name: "better", title: "Which is better", content: <Better name={name} /> },
                ]}
              />
            </Panel>
          )}
        </Answered>
      </div>
    </>
  );
}
