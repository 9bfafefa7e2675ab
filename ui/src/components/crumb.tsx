import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

type Props = { to: string; params?: Record<string, string>; children: ReactNode };

// What a page is a part of, before its title.
export function Crumb({ to, params, children }: Props) {
  return (
    <>
      <Link to={to} params={params as never} className="text-muted underline decoration-strong underline-offset-4 hover:text-text">
        {children}
      </Link>
      <span className="px-1.5 text-muted">/</span>
    </>
  );
}
