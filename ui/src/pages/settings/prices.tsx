// What models cost: the built-in table with the operator's own prices over it.

import { useQuery } from "@tanstack/react-query";
import { Search } from "lucide-react";
import { useMemo } from "react";
import { type Schema, api, unwrap } from "@/api/client";
import { Badge } from "@/components/badge";
import { Segments } from "@/components/choice";
import { Snippet } from "@/components/code";
import { SearchField } from "@/components/search-field";
import { Answered, Empty } from "@/components/state";
import { type Column, Table } from "@/components/table/table";
import { count } from "@/format/number";
import { useParam } from "@/state/url";

type Price = Schema["PriceJson"];

const rate = (value: number) => `$${value.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 4 })}`;
const keyOf = (price: Pick<Price, "provider" | "model">) => `${price.provider}/${price.model}`;

// Its lines in weir.toml, with the rates that hold now.
function lines(price: Price | undefined): string {
  const { provider, model, rates } = price ?? { provider: "openai", model: "gpt-4o", rates: { input: 2, output: 8, cached_input: 1 } };
  const at = provider ? `provider = ${JSON.stringify(provider)}   # leave out: at any provider\n` : "";
  const cached = rates.cached_input === rates.input ? "" : `\ncached_in = ${rates.cached_input}`;
  return `# dollars per million tokens\n[[prices]]\n${at}model = ${JSON.stringify(model)}\nin = ${rates.input}\nout = ${rates.output}${cached}`;
}
const retired = (p: Price) => (p.retired || (p.retires && p.retires <= new Date().toISOString()) ? `retired${p.retires ? ` ${p.retires}` : ""}` : p.retires ? `retires ${p.retires}` : "");
const SOURCES: Record<string, string> = { configuration: "[[prices]]", file: "price file" };

function Rate({ price, of }: { price: Price; of: "input" | "output" | "cached_input" | "cache_write" }) {
  const [now, before] = [price.rates[of], price.instead_of?.[of]];
  const other = before !== undefined && before !== now;
  return (
    <span title={other ? `instead of ${rate(before)}` : undefined}>
      {other ? <s className="mr-1.5 text-xs text-muted">{rate(before)}</s> : null}
      {rate(now)}
    </span>
  );
}

const COLUMNS: readonly Column<Price>[] = [
  { id: "model", head: "Model", width: "minmax(14rem, 1.4fr)", order: "model", cell: (p) => <span className="font-mono text-xs">{p.model}</span> },
  { id: "provider", head: "Provider", width: "8rem", order: "provider", cell: (p) => p.provider || <span className="text-muted">any</span> },
  { id: "input", head: "Input", width: "9rem", number: true, order: "input", about: "Dollars per million tokens", cell: (p) => <Rate price={p} of="input" /> },
  { id: "cached", head: "Cached input", width: "9rem", number: true, cell: (p) => <Rate price={p} of="cached_input" /> },
  { id: "output", head: "Output", width: "9rem", number: true, order: "output", cell: (p) => <Rate price={p} of="output" /> },
  {
    id: "more",
    head: "Also",
    width: "minmax(10rem, 1fr)",
    cell: (p) => (
      <span className="text-xs text-muted">
        {[p.above.length ? `from ${p.above.map((tier) => `${count(tier.input_tokens)}: ${rate(tier.rates.input)} / ${rate(tier.rates.output)}`).join(", ")}` : "", typeof p.batch_input === "number" ? `batch ${rate(p.batch_input)} / ${rate(p.batch_output ?? 0)}` : "", retired(p)].filter(Boolean).join(" · ")}
      </span>
    ),
  },
  { id: "context", head: "Context", width: "7rem", number: true, order: "context", cell: (p) => count(p.context) },
  { id: "source", head: "From", width: "8rem", cell: (p) => (p.source === "built_in" ? <span className="text-muted">built in</span> : <Badge tone="accent">{SOURCES[p.source] ?? p.source}</Badge>) },
];

const BY: Record<string, (price: Price) => string | number> = { model: (p) => p.model, provider: (p) => `${p.provider} ${p.model}`, input: (p) => p.rates.input, output: (p) => p.rates.output, context: (p) => p.context ?? 0 };

// Own prices first, unless the reader orders them.
function sorted(prices: readonly Price[], order: string): Price[] {
  const by = BY[order.replace(/^-/, "")];
  if (!by) return [...prices.filter((p) => p.source !== "built_in"), ...prices.filter((p) => p.source === "built_in")];
  const sign = order.startsWith("-") ? -1 : 1;
  return prices.toSorted((a, b) => {
    const [x, y] = [by(a), by(b)];
    return sign * (typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y)));
  });
}

export function Prices() {
  const [words, setWords] = useParam("price");
  const [show, setShow] = useParam("shown", "all");
  const [order, setOrder] = useParam("order");
  const [open, setOpen] = useParam("of");
  const found = useQuery({ queryKey: ["settings", "prices"], queryFn: ({ signal }) => unwrap(api.GET("/api/v1/settings/prices", { signal })) });
  const all = found.data?.prices;
  const own = useMemo(() => all?.filter((p) => p.source !== "built_in").length ?? 0, [all]);
  const rows = useMemo(() => {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    const matches = (p: Price) => {
      const text = [p.provider, p.model, ...p.aliases].join(" ").toLowerCase();
      return wanted.every((word) => text.includes(word)) && (show === "all" || p.source !== "built_in");
    };
    return sorted((all ?? []).filter(matches), order);
  }, [all, words, show, order]);
  return (
    <div className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center gap-2">
        <label className="relative min-w-52 flex-1 sm:max-w-xs">
          <Search aria-hidden className="absolute top-2 left-2.5 size-4 text-muted" />
          <SearchField label="Find a model" placeholder="Find a model" className="pl-8" value={words} onChange={setWords} />
        </label>
        <Segments label="Show" value={show} options={[["all", `All ${all?.length ?? ""}`.trim()], ["own", `Own ${own}`]]} onChange={setShow} />
        <p className="text-xs text-muted">
          Dollars per million tokens{found.data ? `; the built-in table is of ${found.data.as_of}` : ""}.
        </p>
      </div>
      <Answered of={found}>
        {() =>
          rows.length ? (
            <div className="-mx-4 flex h-[28rem] max-h-[60vh] flex-col border-y border-line">
              <Table label="Prices" columns={COLUMNS} rows={rows} rowKey={keyOf} open={open || undefined} onOpen={(p) => setOpen(keyOf(p) === open ? undefined : keyOf(p))} order={order} onOrder={(next) => setOrder(next)} />
            </div>
          ) : (
            <Empty title={show === "own" && !own ? "Every price is the built-in one" : "No model is called so"} className="py-6" />
          )
        }
      </Answered>
      <div className="max-w-xl">
        <Snippet text={lines(all?.find((p) => keyOf(p) === open))}>Prices of your own stand in weir.toml, or in the file that gateway.price_file names; choose a row for its lines. They are for calls from then on, without a restart.</Snippet>
      </div>
    </div>
  );
}
