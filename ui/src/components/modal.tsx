import { X } from "lucide-react";
import { Dialog } from "radix-ui";
import type { ReactNode } from "react";
import { IconButton } from "./button";
import { cx } from "./classes";

type Props = { open: boolean; onOpen: (open: boolean) => void; title: ReactNode; children: ReactNode; className?: string };

// A dialog that takes the page over. At most one at a time; a question that fits into the page belongs there.
export function Modal({ open, onOpen, title, children, className }: Props) {
  return (
    <Dialog.Root open={open} onOpenChange={onOpen}>
      <Dialog.Portal>
        <Dialog.Overlay className="fade fixed inset-0 z-40 bg-black/40" />
        <Dialog.Content
          data-modal
          aria-describedby={undefined}
          // Not to the first button: its hint would open, and take the first Escape.
          onOpenAutoFocus={(event) => {
            event.preventDefault();
            (event.currentTarget as HTMLElement).focus();
          }}
          className={cx("fade fixed top-[10vh] left-1/2 z-40 flex max-h-[80vh] w-[calc(100vw-2rem)] max-w-2xl -translate-x-1/2 flex-col rounded-xl border border-line bg-raised shadow-xl outline-none", className)}
        >
          <div className="flex items-center justify-between px-5 pt-4 pb-2">
            <Dialog.Title className="text-base font-semibold">{title}</Dialog.Title>
            <Dialog.Close asChild>
              <IconButton name="Close" keys="escape" size="icon-sm">
                <X aria-hidden />
              </IconButton>
            </Dialog.Close>
          </div>
          <div className="min-h-0 overflow-y-auto px-5 pb-5">{children}</div>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
