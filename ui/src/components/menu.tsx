// Menus and popovers over Radix, in one look.

import { Check } from "lucide-react";
import { DropdownMenu, Popover } from "radix-ui";
import type { ReactNode } from "react";
import { cx } from "./classes";

const surface = "fade z-40 min-w-44 rounded-lg border border-line bg-raised p-1 shadow-lg max-h-[var(--radix-popper-available-height)] overflow-auto";
const line = "flex w-full items-center gap-2 rounded-md px-2 py-1.5 text-left outline-none data-highlighted:bg-tint data-disabled:opacity-50 [&_svg]:size-4 [&_svg]:shrink-0";

export function Menu({ trigger, children, align = "end" }: { trigger: ReactNode; children: ReactNode; align?: "start" | "end" }) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content align={align} sideOffset={4} collisionPadding={8} className={surface}>
          {children}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

export function MenuItem({ onSelect, disabled, children, hint }: { onSelect: () => void; disabled?: boolean; children: ReactNode; hint?: ReactNode }) {
  return (
    <DropdownMenu.Item className={line} onSelect={onSelect} disabled={disabled}>
      {children}
      {hint ? <span className="ml-auto pl-4 text-xs text-muted">{hint}</span> : null}
    </DropdownMenu.Item>
  );
}

export function MenuCheck({ checked, onChange, children }: { checked: boolean; onChange: (checked: boolean) => void; children: ReactNode }) {
  return (
    <DropdownMenu.CheckboxItem className={line} checked={checked} onCheckedChange={onChange} onSelect={(event) => event.preventDefault()}>
      <span className="size-4">{checked ? <Check aria-hidden /> : null}</span>
      {children}
    </DropdownMenu.CheckboxItem>
  );
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return <DropdownMenu.Label className="px-2 pt-1.5 pb-1 text-xs font-medium text-muted">{children}</DropdownMenu.Label>;
}

export function MenuLine() {
  return <DropdownMenu.Separator className="my-1 h-px bg-line" />;
}

type PopProps = { trigger: ReactNode; children: ReactNode; align?: "start" | "end"; className?: string; open?: boolean; onOpen?: (open: boolean) => void; label: string };

export function Pop({ trigger, children, align = "end", className, open, onOpen, label }: PopProps) {
  return (
    <Popover.Root open={open} onOpenChange={onOpen}>
      <Popover.Trigger asChild>{trigger}</Popover.Trigger>
      <Popover.Portal>
        <Popover.Content aria-label={label} align={align} sideOffset={4} collisionPadding={8} className={cx(surface, "p-3", className)}>
          {children}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
