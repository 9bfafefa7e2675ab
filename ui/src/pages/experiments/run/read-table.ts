// A table out of JSON as MLflow's `log_table` writes it, `{"columns": […], "data": [[…], …]}`, with the head as its first row;
// nothing for other JSON. Pure.

const printed = (value: unknown) => (typeof value === "string" ? value : value === null || value === undefined ? "" : JSON.stringify(value));

export function tableOf(value: unknown, most: number): string[][] | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { columns, data } = value as { columns?: unknown; data?: unknown };
  if (!Array.isArray(columns) || !Array.isArray(data) || !data.every(Array.isArray)) return undefined;
  return [columns.map(printed), ...(data as unknown[][]).slice(0, most).map((row) => row.map(printed))];
}
