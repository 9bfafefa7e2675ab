// A short table that is shown whole; on a narrow page it scrolls to the side.

import type { ReactNode } from "react";
import { cx } from "@/components/classes";

type Column<T> = { head: ReactNode; cell: (row: T) => ReactNode; number?: boolean; wrap?: boolean };

export function Rows<T>({ label, rows, columns, rowKey }: { label: string; rows: readonly T[]; columns: readonly Column<T>[]; rowKey: (row: T) => string }) {
  return (
    <div className="-mx-4 overflow-x-auto" tabIndex={0} role="region" aria-label={`${label}, scrolls`}>
      <table className="w-full text-left whitespace-nowrap" aria-label={label}>
        <thead className="text-xs text-muted">
          <tr className="border-b border-line">
            {columns.map((column, n) => (
              <th key={n} scope="col" className={cx("h-8 px-4 font-medium", column.number && "text-right")}>
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)} className="border-b border-line/60 hover:bg-sunken">
              {columns.map((column, n) => (
                <td key={n} className={cx("h-9 px-4 py-1", column.number && "num text-right", column.wrap && "max-w-72 min-w-40 whitespace-normal")}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
