import { write } from "@/state/query";

// The requests that took a way, as the list of calls is asked for them; without `to` all that came to the decision.
export function requestsOf(workflow: string, from: string, to?: string): string {
  const named = workflow === "-" ? [] : [write("attr.workflow", workflow)];
  const went = to === undefined ? [] : [write("attr.to_node", to)];
  return [write("kind", "branch"), ...named, write("attr.from_node", from), ...went].join(" ");
}
