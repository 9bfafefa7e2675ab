import { Link, useLocation } from "@tanstack/react-router";
import { buttonClass } from "@/components/button";
import { Empty } from "@/components/state";

export function Missing() {
  const { pathname } = useLocation();
  return (
    <Empty title="There is no such page" className="min-h-[60vh]">
      <p>
        Nothing lives at <code className="font-mono">{pathname}</code>.
      </p>
      <Link to="/" className={buttonClass({ kind: "primary" })}>
        To the overview
      </Link>
    </Empty>
  );
}
