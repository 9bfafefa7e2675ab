// What is typed in the playground as a part of a link. Pure.

import type { Draft } from "./draft";

export type Typed = { variables?: Record<string, string>; question?: string; draft?: Draft };

const isTexts = (value: unknown): value is Record<string, string> => typeof value === "object" && value !== null && Object.values(value).every((text) => typeof text === "string");

export const writeTyped = (typed: Typed) => JSON.stringify(typed);

// What is no such text is nothing.
export function readTyped(text: string | undefined): Typed | undefined {
  if (!text) return undefined;
  try {
    const { variables, question, draft } = JSON.parse(text) as Typed;
    const isDraft = draft && Array.isArray(draft.turns) && draft.turns.every((turn) => typeof turn.role === "string" && typeof turn.text === "string") && typeof draft.rest === "string";
    return { variables: isTexts(variables) ? variables : undefined, question: typeof question === "string" ? question : undefined, draft: isDraft ? draft : undefined };
  } catch {
    return undefined;
  }
}
