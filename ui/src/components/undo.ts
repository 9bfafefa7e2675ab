// Says what was taken away, with a button that brings it back.

import { toast } from "sonner";

const MILLIS = 10_000;

export function undoable(what: string, back: () => unknown) {
  toast(what, { duration: MILLIS, action: { label: "Undo", onClick: () => void back() } });
}
