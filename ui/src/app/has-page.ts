import { PAGES } from "@/pages/registry";

// Whether a page is there to link to.
export const hasPage = (path: string) => PAGES.some((page) => page.path === path);
