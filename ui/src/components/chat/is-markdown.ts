// Whether a text has something that Markdown would show otherwise. Pure; a guess that errs towards plain text.

const SIGNS = [
  /^#{1,6} \S/m,
  /^\s{0,3}(?:[-*+]|\d{1,3}\.) \S.*\n\s{0,3}(?:[-*+]|\d{1,3}\.) \S/m,
  /^\s{0,3}```/m,
  /\*\*[^*\s][^*]*\*\*/,
  /(?:^|[\s(])`[^`\n]+`/m,
  /^\|.+\|\s*\n\|[-:| ]+\|/m,
  /\[[^\]\n]+\]\(https?:[^)\s]+\)/,
  /^> \S/m,
];

// Beyond it the text is shown as it is: reading it would take longer than anyone waits.
const LONGEST = 100_000;

export const isMarkdown = (text: string) => text.length <= LONGEST && SIGNS.some((sign) => sign.test(text));
