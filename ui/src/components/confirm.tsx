// Asks before what cannot be taken back, as what tells people something. What can be taken back is done, with an Undo
// (`undo.ts`).

import { AlertDialog } from "radix-ui";
import type { ReactNode } from "react";
import { Button } from "./button";

// `action` names what happens: "Delete the rule", never "OK".
type Props = { open: boolean; onOpen: (open: boolean) => void; title: ReactNode; children: ReactNode; action: string; onConfirm: () => void };

export function Confirm({ open, onOpen, title, children, action, onConfirm }: Props) {
  return (
    <AlertDialog.Root open={open} onOpenChange={onOpen}>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="fade fixed inset-0 z-40 bg-black/40" />
        <AlertDialog.Content data-modal className="fade fixed top-[20vh] left-1/2 z-40 flex w-[calc(100vw-2rem)] max-w-md -translate-x-1/2 flex-col gap-2 rounded-xl border border-line bg-raised p-5 shadow-xl">
          <AlertDialog.Title className="text-base font-semibold break-words">{title}</AlertDialog.Title>
          <AlertDialog.Description className="text-muted">{children}</AlertDialog.Description>
          <div className="flex flex-wrap justify-end gap-2 pt-2">
            <AlertDialog.Cancel asChild>
              <Button>Cancel</Button>
            </AlertDialog.Cancel>
            <AlertDialog.Action asChild>
              <Button kind="danger" onClick={onConfirm}>
                {action}
              </Button>
            </AlertDialog.Action>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
