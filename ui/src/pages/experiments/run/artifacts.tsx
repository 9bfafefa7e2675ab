// The files of a run: a tree whose folders open on demand, and a preview of the one that is chosen.

import { useQuery } from "@tanstack/react-query";
import { ChevronRight, File, Folder } from "lucide-react";
import { cx } from "@/components/classes";
import { Answered, Empty } from "@/components/state";
import { bytes } from "@/format/number";
import { useUrl } from "@/state/url";
import { type FileEntry, files } from "../mlflow";
import { Preview } from "./preview";

export function Artifacts({ run }: { run: string }) {
  const [url, set] = useUrl();
  const chosen = url.file ?? "";
  const opened = new Set((url.folders ?? "").split(",").filter(Boolean));
  const toggle = (path: string) => {
    if (!opened.delete(path)) opened.add(path);
    set({ folders: [...opened].join(",") || undefined });
  };
  const top = useFiles(run, undefined);
  if (top.data?.length === 0) return <Empty title="No files were logged" />;
  return (
    <div className="grid min-h-96 gap-4 lg:grid-cols-[18rem_minmax(0,1fr)]">
      <nav aria-label="Files">
        <Level run={run} path={undefined} depth={0} opened={opened} onToggle={toggle} chosen={chosen} onChoose={(path) => set({ file: path }, { push: true })} />
      </nav>
      <div className="min-w-0">{chosen ? <Preview key={chosen} run={run} path={chosen} /> : <Empty title="Choose a file" />}</div>
    </div>
  );
}

const useFiles = (run: string, path: string | undefined) => useQuery({ queryKey: ["mlflow", "files", run, path], queryFn: ({ signal }) => files(run, path, signal) });

type Props = { run: string; path: string | undefined; depth: number; opened: ReadonlySet<string>; onToggle: (path: string) => void; chosen: string; onChoose: (path: string) => void };

function Level(props: Props) {
  const { run, path } = props;
  const found = useFiles(run, path);
  return (
    <Answered of={found}>
      {(entries) => (
        <ul>
          {[...entries].sort((a, b) => Number(b.is_dir) - Number(a.is_dir) || a.path.localeCompare(b.path)).map((entry) => (
            <Entry key={entry.path} entry={entry} {...props} />
          ))}
        </ul>
      )}
    </Answered>
  );
}

function Entry({ entry, ...props }: Props & { entry: FileEntry }) {
  const { depth, opened, onToggle, chosen, onChoose } = props;
  const open = opened.has(entry.path);
  const name = entry.path.split("/").at(-1);
  return (
    <li>
      <button
        type="button"
        aria-expanded={entry.is_dir ? open : undefined}
        aria-current={entry.path === chosen || undefined}
        onClick={() => (entry.is_dir ? onToggle(entry.path) : onChoose(entry.path))}
        style={{ paddingLeft: `${depth * 1.1 + 0.4}rem` }}
        className={cx("flex h-7 w-full items-center gap-1.5 rounded pr-2 text-left hover:bg-sunken [&_svg]:size-4 [&_svg]:shrink-0 [&_svg]:text-muted", entry.path === chosen && "bg-tint hover:bg-tint")}
      >
        {entry.is_dir ? <ChevronRight aria-hidden className={cx("transition-transform", open && "rotate-90")} /> : <span className="size-4 shrink-0" />}
        {entry.is_dir ? <Folder aria-hidden /> : <File aria-hidden />}
        <span className="truncate">{name}</span>
        {entry.file_size === undefined ? null : <span className="num ml-auto shrink-0 text-xs text-muted">{bytes(entry.file_size)}</span>}
      </button>
      {entry.is_dir && open ? <Level {...props} path={entry.path} depth={depth + 1} /> : null}
    </li>
  );
}
