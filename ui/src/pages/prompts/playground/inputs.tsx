// What a prompt's template is rendered with: its variables, and the user's turn.

import { Field } from "@/components/choice";
import { area } from "./turns";

type Props = { wanted: readonly string[]; variables: Record<string, string>; onVariables: (variables: Record<string, string>) => void; question: string; onQuestion: (text: string) => void; onRun: () => void };

export function Inputs({ wanted, variables, onVariables, question, onQuestion, onRun }: Props) {
  const set = (name: string, value: string) => onVariables({ ...variables, [name]: value });
  return (
    <div className="grid gap-3 lg:grid-cols-2">
      {wanted.length ? (
        <div className="flex flex-col gap-2">
          {wanted.map((name) => (
            <label key={name} className="flex flex-col gap-1 text-xs text-muted">
              <span className="font-mono">{name}</span>
              {/context|documents|history|text/.test(name) ? (
                <textarea className={area} value={variables[name] ?? ""} onChange={(event) => set(name, event.target.value)} />
              ) : (
                <Field value={variables[name] ?? ""} onChange={(event) => set(name, event.target.value)} />
              )}
            </label>
          ))}
        </div>
      ) : (
        <p className="text-muted">The template needs no variables.</p>
      )}
      <label className="flex flex-col gap-1 text-xs text-muted">
        User
        <textarea className={area} value={question} onChange={(event) => onQuestion(event.target.value)} onKeyDown={(event) => (event.ctrlKey || event.metaKey) && event.key === "Enter" && onRun()} />
      </label>
    </div>
  );
}
