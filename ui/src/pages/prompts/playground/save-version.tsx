// Edits a version's templates and keeps them as a new one.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Save } from "lucide-react";
import { useState } from "react";
import { toast } from "sonner";
import { Button } from "@/components/button";
import { Field } from "@/components/choice";
import { Modal } from "@/components/modal";
import { Failed } from "@/components/state";
import { useUrl } from "@/state/url";
import { type Message, type Prompt, type Version, messagesOf, save } from "../api";

export function SaveVersion({ of, from }: { of: Prompt; from: Version | undefined }) {
  const [open, setOpen] = useState(false);
  const [messages, setMessages] = useState<Message[]>(from ? messagesOf(from) : []);
  const [note, setNote] = useState("");
  const client = useQueryClient();
  const [, set] = useUrl();
  const make = useMutation({
    mutationFn: () => {
      const text = from?.template !== undefined;
      const body = text ? { template: messages[0]?.content ?? "", role: from?.role } : { messages };
      return save({ name: of.name, format: from?.format ?? "jinja2", defaults: from?.defaults, message: note || undefined, ...body });
    },
    onSuccess: async (version) => {
      await client.invalidateQueries({ queryKey: ["prompts"] });
      await client.invalidateQueries({ queryKey: ["prompt", of.name] });
      toast.success(`Saved as ${version.version}`);
      setOpen(false);
      set({ columns: undefined });
    },
  });
  if (!from) return null;
  return (
    <>
      <Button size="sm" onClick={() => setOpen(true)}>
        <Save aria-hidden /> Edit as a new version
      </Button>
      <Modal open={open} onOpen={setOpen} title={`A new version of ${of.name}, from ${from.version}`} className="max-w-3xl">
        <form
          className="flex flex-col gap-3"
          onSubmit={(event) => {
            event.preventDefault();
            make.mutate();
          }}
        >
          {messages.map((message, n) =>
            message.role === "messages" ? (
              <p key={n} className="text-xs text-muted">
                the caller's messages stand here
              </p>
            ) : (
              <label key={n} className="flex flex-col gap-1 text-xs text-muted">
                {message.role}
                <textarea
                  className="min-h-48 w-full resize-y rounded-md border border-line bg-panel px-2.5 py-2 font-mono text-xs leading-5 text-text"
                  value={message.content}
                  onChange={(event) => setMessages(messages.map((m, k) => (k === n ? { ...m, content: event.target.value } : m)))}
                />
              </label>
            ),
          )}
          <label className="flex flex-col gap-1 text-xs text-muted">
            What changed
            <Field value={note} onChange={(event) => setNote(event.target.value)} />
          </label>
          {make.error ? <Failed error={make.error} /> : null}
          <Button type="submit" kind="primary" className="self-end" disabled={make.isPending}>
            Save
          </Button>
        </form>
      </Modal>
    </>
  );
}
