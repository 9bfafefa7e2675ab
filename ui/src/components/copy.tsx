import { Check, Copy as CopyIcon } from "lucide-react";
import { useState } from "react";
import { toast } from "sonner";
import { IconButton } from "./button";

// Copies in the background of pages without TLS as well, where browsers offer no clipboard.
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.style.position = "fixed";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

export async function copyAndSay(text: string, what: string) {
  if (await copy(text)) toast.success(`${what} copied`);
  else toast.error("The browser did not allow copying");
}

export function CopyButton({ text, name = "Copy" }: { text: string | (() => string); name?: string }) {
  const [done, setDone] = useState(false);
  const press = async () => {
    if (!(await copy(typeof text === "string" ? text : text()))) return;
    setDone(true);
    setTimeout(() => setDone(false), 1_500);
  };
  return (
    <IconButton name={done ? "Copied" : name} size="icon-sm" onClick={(event) => (event.stopPropagation(), void press())}>
      {done ? <Check aria-hidden className="text-ok" /> : <CopyIcon aria-hidden />}
    </IconButton>
  );
}
