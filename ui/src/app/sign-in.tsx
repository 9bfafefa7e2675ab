import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { signIn } from "@/api/session";
import { Button } from "@/components/button";
import { Field } from "@/components/choice";
import { Mark } from "./mark";

// Asks for a key; it stays in this tab and is sent to this server only.
export function SignIn({ wrong }: { wrong: boolean }) {
  const queries = useQueryClient();
  const [key, setKey] = useState("");
  const give = (event: FormEvent) => {
    event.preventDefault();
    if (!key.trim()) return;
    signIn(key.trim());
    void queries.resetQueries();
  };
  return (
    <main className="grid min-h-dvh place-items-center p-6">
      <form onSubmit={give} className="flex w-full max-w-sm flex-col gap-4 rounded-xl border border-line bg-panel p-6 shadow-sm">
        <div className="flex items-center gap-2.5">
          <Mark className="size-7" />
          <h1 className="text-lg font-semibold">Weir</h1>
        </div>
        <p className="text-muted">This server asks for a key. Any key of role read, write or admin opens the dashboard.</p>
        <label className="flex flex-col gap-1 font-medium">
          Key
          <Field type="password" autoComplete="current-password" autoFocus value={key} onChange={(event) => setKey(event.target.value)} aria-invalid={wrong} aria-describedby={wrong ? "wrong" : undefined} />
        </label>
        {wrong ? (
          <p id="wrong" role="alert" className="text-bad">
            The server does not know this key.
          </p>
        ) : null}
        <Button kind="primary" type="submit">
          Open
        </Button>
        <p className="text-xs text-muted">The key is kept in this tab until it is closed.</p>
      </form>
    </main>
  );
}
