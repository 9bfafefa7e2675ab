import type { ErrorComponentProps } from "@tanstack/react-router";
import { Button } from "@/components/button";
import { Empty } from "@/components/state";

// A defect of a page, or its code that did not come: after an update the old files are gone.
export function Broken({ error }: ErrorComponentProps) {
  const message = error instanceof Error ? error.message : String(error);
  const gone = /dynamically imported module|module script/i.test(message);
  return (
    <Empty title={gone ? "The dashboard was updated" : "This page met a defect"} className="min-h-[60vh]">
      <p className="max-w-prose break-words">{gone ? "Load it anew to go on." : message}</p>
      <Button kind="primary" onClick={() => location.reload()}>
        Load anew
      </Button>
    </Empty>
  );
}
