// Every page, one line each, in the order of the navigation. `ui/README.md` says how to add one.

import { BellRing, Boxes, CircleDollarSign, FlaskConical, Gauge, ListTree, MessageSquareText, Play, Server, ShieldCheck, TriangleAlert, Wallet, Workflow } from "lucide-react";
import type { Page } from "@/app/page";

export const PAGES: readonly Page[] = [
  { path: "/", title: "Overview", nav: { group: "", icon: Gauge, keys: "g o" }, load: () => import("./overview/page") },
  { path: "/calls", title: "Calls", nav: { group: "Observe", icon: ListTree, keys: "g c" }, load: () => import("./calls/page") },
  { path: "/workflows", title: "Workflows", nav: { group: "Observe", icon: Workflow, keys: "g w" }, load: () => import("./workflows/page") },
  { path: "/traces/$trace", title: "Trace", load: () => import("./trace/page") },
  { path: "/prompts", title: "Prompts", nav: { group: "Build", icon: MessageSquareText, keys: "g p" }, load: () => import("./prompts/page") },
  { path: "/prompts/$prompt", title: "Prompt", load: () => import("./prompts/prompt/page") },
  { path: "/playground", title: "Playground", nav: { group: "Build", icon: Play, keys: "g y" }, load: () => import("./prompts/playground/page") },
  { path: "/experiments", title: "Experiments", nav: { group: "Build", icon: FlaskConical, keys: "g e" }, load: () => import("./experiments/page") },
  { path: "/experiments/$experiment", title: "Runs", load: () => import("./experiments/runs/page") },
  { path: "/experiments/$experiment/runs/$run", title: "Run", load: () => import("./experiments/run/page") },
  { path: "/models", title: "Models", nav: { group: "Build", icon: Boxes, keys: "g m" }, load: () => import("./models/page") },
  { path: "/models/$model", title: "Model", load: () => import("./models/model/page") },
  // As MLflow's client prints it.
  { path: "/models/$model/versions/$version", title: "Model", load: () => import("./models/model/page") },
  { path: "/anomalies", title: "Anomalies", nav: { group: "Watch", icon: TriangleAlert, keys: "g a" }, load: () => import("./anomalies/page") },
  { path: "/alerts", title: "Alerts", nav: { group: "Watch", icon: BellRing, keys: "g l" }, load: () => import("./alerts/page") },
  { path: "/budgets", title: "Budgets", nav: { group: "Watch", icon: Wallet, keys: "g b" }, load: () => import("./budgets/page") },
  { path: "/readiness", title: "Readiness", nav: { group: "Watch", icon: ShieldCheck, keys: "g r" }, load: () => import("./readiness/page") },
  { path: "/costs", title: "Costs", nav: { group: "Watch", icon: CircleDollarSign, keys: "g $" }, load: () => import("./costs/page") },
  { path: "/settings", title: "Settings", nav: { group: "Server", icon: Server, keys: "g s" }, load: () => import("./settings/page") },
];
