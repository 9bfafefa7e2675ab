import { Link } from "@tanstack/react-router";
import { LogOut, Monitor, Moon, PanelLeftClose, PanelLeftOpen, Search, Sun } from "lucide-react";
import { sessionKey, signOut } from "@/api/session";
import { IconButton } from "@/components/button";
import { cx } from "@/components/classes";
import { Hint } from "@/components/hint";
import { Keys } from "@/components/keys";
import { PAGES } from "@/pages/registry";
import { Mark } from "./mark";
import type { Group, Page } from "./page";
import { type Theme, setTheme, useTheme } from "./theme";

const GROUPS: readonly Group[] = ["", "Observe", "Build", "Watch", "Server"];
const NEXT: Record<Theme, [Theme, string]> = { system: ["light", "Theme: as the system"], light: ["dark", "Theme: light"], dark: ["system", "Theme: dark"] };

type Props = { narrow: boolean; onNarrow?: (narrow: boolean) => void; onPalette: () => void; onGo?: () => void };

export function Navigation({ narrow, onNarrow, onPalette, onGo }: Props) {
  return (
    <div className="flex h-full flex-col gap-1 p-2">
      <div className={cx("flex h-9 items-center gap-2 px-1.5", narrow && "justify-center px-0")}>
        <Link to="/" onClick={onGo} aria-label="Weir: overview" className="flex items-center gap-2 rounded-md font-semibold">
          <Mark className="size-6" />
          {narrow ? null : <span className="text-base tracking-tight">Weir</span>}
        </Link>
      </div>
      <button
        type="button"
        onClick={onPalette}
        aria-label={narrow ? "Search and commands" : undefined}
        className={cx("my-1 flex h-8 items-center gap-2 rounded-md border border-line bg-ground px-2 text-muted hover:border-strong hover:text-text", narrow && "justify-center px-0")}
      >
        <Search className="size-4" aria-hidden />
        {narrow ? null : (
          <>
            <span className="flex-1 text-left text-xs">Go to…</span>
            <Keys keys="mod+k" />
          </>
        )}
      </button>
      <nav aria-label="Pages" className="min-h-0 flex-1 overflow-y-auto">
        {GROUPS.map((group) => {
          const pages = PAGES.filter((page) => page.nav?.group === group);
          if (!pages.length) return null;
          return (
            <div key={group} className="pb-2">
              {group && !narrow ? <p className="px-2 pt-2 pb-1 text-2xs font-semibold tracking-wide text-muted uppercase">{group}</p> : null}
              {group && narrow ? <div className="mx-2 mb-2 h-px bg-line" /> : null}
              <ul>
                {pages.map((page) => (
                  <li key={page.path}>
                    <Entry page={page} narrow={narrow} onGo={onGo} />
                  </li>
                ))}
              </ul>
            </div>
          );
        })}
      </nav>
      <Foot narrow={narrow} onNarrow={onNarrow} />
    </div>
  );
}

function Entry({ page, narrow, onGo }: { page: Page; narrow: boolean; onGo?: () => void }) {
  const Icon = page.nav?.icon;
  const link = (
    <Link
      to={page.path}
      onClick={onGo}
      aria-label={narrow ? page.title : undefined}
      activeOptions={{ exact: page.path === "/", includeSearch: false }}
      className={cx("flex h-8 items-center gap-2.5 rounded-md px-2", narrow && "justify-center px-0")}
      activeProps={{ className: "bg-tint text-accent font-medium", "aria-current": "page" }}
      inactiveProps={{ className: "text-muted hover:bg-sunken hover:text-text" }}
    >
      {Icon ? <Icon className="size-4 shrink-0" aria-hidden /> : null}
      {narrow ? null : page.title}
    </Link>
  );
  return narrow ? (
    <Hint text={page.title} keys={page.nav?.keys} side="right">
      {link}
    </Hint>
  ) : (
    link
  );
}

function Foot({ narrow, onNarrow }: Pick<Props, "narrow" | "onNarrow">) {
  const theme = useTheme();
  const [next, name] = NEXT[theme];
  const Icon = { system: Monitor, light: Sun, dark: Moon }[theme];
  return (
    <div className={cx("flex items-center gap-0.5 border-t border-line pt-2", narrow && "flex-col")}>
      <IconButton name={name} onClick={() => setTheme(next)}>
        <Icon aria-hidden />
      </IconButton>
      {sessionKey() ? (
        <IconButton name="Forget the key" onClick={signOut}>
          <LogOut aria-hidden />
        </IconButton>
      ) : null}
      {onNarrow ? (
        <IconButton name={narrow ? "Wide navigation" : "Narrow navigation"} keys="[" onClick={() => onNarrow(!narrow)} className={narrow ? "" : "ml-auto"}>
          {narrow ? <PanelLeftOpen aria-hidden /> : <PanelLeftClose aria-hidden />}
        </IconButton>
      ) : null}
    </div>
  );
}
