import { type VariantProps, cva } from "class-variance-authority";
import type { ComponentProps, ReactNode } from "react";
import { cx } from "./classes";
import { Hint } from "./hint";

export const buttonClass = cva(
  "inline-flex items-center justify-center gap-1.5 rounded-md font-medium whitespace-nowrap transition-colors disabled:opacity-50 [&_svg]:size-4 [&_svg]:shrink-0",
  {
    variants: {
      kind: {
        plain: "border border-line bg-panel text-text hover:bg-sunken hover:border-strong",
        primary: "bg-accent text-on-accent hover:opacity-90",
        quiet: "text-muted hover:bg-sunken hover:text-text",
        danger: "border border-line bg-panel text-bad hover:bg-bad-tint hover:border-bad",
      },
      size: { md: "h-8 px-3", sm: "h-7 px-2 text-xs", icon: "size-8", "icon-sm": "size-7" },
    },
    defaultVariants: { kind: "plain", size: "md" },
  },
);

type Props = ComponentProps<"button"> & VariantProps<typeof buttonClass>;

export function Button({ kind, size, className, type = "button", ...rest }: Props) {
  return <button type={type} className={cx(buttonClass({ kind, size }), className)} {...rest} />;
}

// A button that is only a picture: its name is said by a hint, and to screen readers.
export function IconButton({ name, keys, children, kind = "quiet", size = "icon", ...rest }: Props & { name: string; keys?: string; children: ReactNode }) {
  return (
    <Hint text={name} keys={keys}>
      <Button kind={kind} size={size} aria-label={name} {...rest}>
        {children}
      </Button>
    </Hint>
  );
}
