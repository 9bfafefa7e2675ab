// A detail over the list that it comes from: the list stays where it is, and can be used beside it. Escape closes.

import { X } from "lucide-react";
import { Dialog } from "radix-ui";
import type { ReactNode } from "react";
import { useShortcut } from "@/app/shortcuts";
import { IconButton } from "./button";
import { cx } from "./classes";

type Props = { open: boolean; onClose: () => void; title: ReactNode; label: string; actions?: ReactNode; children: ReactNode; className?: string };

export function Drawer({ open, onClose, title, label, actions, children, className }: Props) {
  useShortcut("escape", "Close the detail", onClose, { off: !open });
  return (
    <Dialog.Root modal={false} open={open} onOpenChange={(next) => !next && onClose()}>
      <Dialog.Portal>
        <Dialog.Content
          aria-describedby={undefined}
          aria-label={label}
          aria-labelledby={undefined}
          onInteractOutside={(event) => event.preventDefault()}
          // The list keeps the focus, so that j and k go on; the drawer is the next stop of Tab.
          onOpenAutoFocus={(event) => event.preventDefault()}
          // To where it was before, but where a list has taken it already.
          onCloseAutoFocus={(event) => document.activeElement !== document.body && event.preventDefault()}
          className={cx("fade fixed inset-y-0 right-0 z-30 flex w-full flex-col border-l border-line bg-panel shadow-xl lg:w-[min(60rem,max(44rem,calc(100vw-36rem)))]", className)}
        >
          <header className="flex min-h-12 items-center gap-2 border-b border-line px-4 py-2">
            <Dialog.Title asChild>
              <h2 className="min-w-0 flex-1 truncate font-semibold">{title}</h2>
            </Dialog.Title>
            {actions}
            <IconButton name="Close" keys="escape" onClick={onClose}>
              <X aria-hidden />
            </IconButton>
          </header>
          <div className="flex min-h-0 flex-1 flex-col overflow-y-auto">{children}</div>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
