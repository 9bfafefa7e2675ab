// Says what was changed, with a button that takes it back: the newest change, as there is one such word at a time.

import { toast } from "sonner";

const MILLIS = 10_000;

export function undoable(what: string, back: () => unknown) {
  toast(what, { id: "undo", duration: MILLIS, action: { label: "Undo", onClick: () => void back() } });
}
