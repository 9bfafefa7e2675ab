// The frame of every page: navigation, the palette, the help, and what asks for a key.

import { Link, Outlet, useLocation, useMatches, useNavigate } from "@tanstack/react-router";
import { Menu as MenuIcon, Search } from "lucide-react";
import { Dialog, Tooltip } from "radix-ui";
import { Suspense, lazy, useEffect, useRef, useState } from "react";
import { Toaster } from "sonner";
import { useRefused } from "@/api/session";
import { IconButton } from "@/components/button";
import { cx } from "@/components/classes";
import { PAGES } from "@/pages/registry";
import { useStored } from "@/state/stored";
import { Help } from "./help";
import { Mark } from "./mark";
import { Navigation } from "./navigation";
import { PaletteWait } from "./palette-wait";
import { useShortcut } from "./shortcuts";
import { SignIn } from "./sign-in";
import { useShownTheme } from "./theme";

const Palette = lazy(() => import("./palette"));

export function Shell() {
  const refused = useRefused();
  const theme = useShownTheme();
  const [narrow, setNarrow] = useStored("nav-narrow", false);
  const [palette, setPalette] = useState(false);
  const [typed, setTyped] = useState("");
  const leave = () => (setPalette(false), setTyped(""));
  const [help, setHelp] = useState(false);
  const [drawer, setDrawer] = useState(false);
  const main = useRef<HTMLElement>(null);
  useTitle();
  const { pathname } = useLocation();

  // A new page is read from its beginning; the first one is where the browser is anyway.
  const first = useRef(true);
  useEffect(() => {
    if (first.current) first.current = false;
    else main.current?.focus({ preventScroll: true });
  }, [pathname]);

  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.metaKey || event.ctrlKey) || event.shiftKey || event.altKey) return;
      event.preventDefault();
      setPalette((open) => !open);
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
  useShortcut("?", "This help", () => setHelp(true), { group: "Everywhere" });
  useShortcut("[", "Narrow or wide navigation", () => setNarrow(!narrow), { group: "Everywhere" });

  if (refused) return <SignIn wrong={refused === "wrong"} />;
  return (
    <Tooltip.Provider delayDuration={300} skipDelayDuration={100}>
      <a href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())} className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:m-2 focus:rounded-md focus:bg-panel focus:p-2">
        To the content
      </a>
      <div className="flex min-h-dvh flex-col lg:flex-row">
        <aside className={cx("sticky top-0 hidden h-dvh shrink-0 border-r border-line bg-panel lg:block", narrow ? "w-14" : "w-52")}>
          <Navigation narrow={narrow} onNarrow={setNarrow} onPalette={() => setPalette(true)} />
        </aside>
        <header className="sticky top-0 z-20 flex h-12 items-center gap-1 border-b border-line bg-panel px-2 lg:hidden">
          <Dialog.Root open={drawer} onOpenChange={setDrawer}>
            <Dialog.Trigger asChild>
              <IconButton name="Navigation">
                <MenuIcon aria-hidden />
              </IconButton>
            </Dialog.Trigger>
            <Dialog.Portal>
              <Dialog.Overlay className="fade fixed inset-0 z-30 bg-black/40" />
              <Dialog.Content data-modal aria-describedby={undefined} className="fixed inset-y-0 left-0 z-30 w-64 border-r border-line bg-panel">
                <Dialog.Title className="sr-only">Navigation</Dialog.Title>
                <Navigation narrow={false} onPalette={() => (setDrawer(false), setPalette(true))} onGo={() => setDrawer(false)} />
              </Dialog.Content>
            </Dialog.Portal>
          </Dialog.Root>
          <Link to="/" aria-label="Weir: overview" className="mx-1 flex flex-1 items-center gap-2 font-semibold">
            <Mark className="size-6" /> Weir
          </Link>
          <IconButton name="Search and commands" onClick={() => setPalette(true)}>
            <Search aria-hidden />
          </IconButton>
        </header>
        <main ref={main} id="main" tabIndex={-1} className="min-w-0 flex-1">
          <Outlet />
        </main>
      </div>
      <GoTo />
      <Help open={help} onOpen={setHelp} />
      {palette ? (
        <Suspense fallback={<PaletteWait text={typed} onText={setTyped} onClose={leave} />}>
          <Palette begin={typed} onClose={leave} onHelp={() => setHelp(true)} />
        </Suspense>
      ) : null}
      <Toaster theme={theme === "dark" ? "dark" : "light"} position="bottom-right" />
    </Tooltip.Provider>
  );
}

function useTitle() {
  const title = useMatches({ select: (matches) => matches.at(-1)?.staticData.page?.title }) ?? "Weir";
  useEffect(() => {
    document.title = title === "Weir" ? title : `${title} · Weir`;
  }, [title]);
}

// `g` and a letter open a page.
function GoTo() {
  return PAGES.map((page) => (page.nav?.keys ? <GoToPage key={page.path} path={page.path} title={page.title} keys={page.nav.keys} /> : null));
}

function GoToPage({ path, title, keys }: { path: string; title: string; keys: string }) {
  const navigate = useNavigate();
  useShortcut(keys, title, () => void navigate({ to: path }), { group: "Go to" });
  return null;
}
