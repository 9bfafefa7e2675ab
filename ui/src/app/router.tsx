// Addresses live behind the `#`: one file at one path serves them all, whatever prefix a proxy puts before it, and the links
// that MLflow's client prints (`/#/experiments/1/runs/…`) are addresses of the dashboard as they stand.

import { createHashHistory, createRootRoute, createRoute, createRouter, lazyRouteComponent, retainSearchParams } from "@tanstack/react-router";
import { PAGES } from "@/pages/registry";
import { type Search, readSearch, writeSearch } from "@/state/url";
import { Missing } from "./missing";
import { Broken } from "./broken";
import { Shell } from "./shell";

const root = createRootRoute({
  component: Shell,
  notFoundComponent: Missing,
  errorComponent: Broken,
  validateSearch: (search: Record<string, unknown>): Search =>
    Object.fromEntries(Object.entries(search).filter((pair): pair is [string, string] => typeof pair[1] === "string")),
  // The range of time goes along from page to page.
  search: { middlewares: [retainSearchParams(["from", "to", "refresh"])] },
});

const routes = PAGES.map((page) =>
  createRoute({
    getParentRoute: () => root,
    path: page.path,
    component: lazyRouteComponent(page.load),
    errorComponent: Broken,
    staticData: { page },
  }),
);

export const router = createRouter({
  routeTree: root.addChildren(routes),
  history: createHashHistory(),
  parseSearch: readSearch,
  stringifySearch: writeSearch,
  defaultPreload: "intent",
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface StaticDataRouteOption {
    page?: import("./page").Page;
  }
}
