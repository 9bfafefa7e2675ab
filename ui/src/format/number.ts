// Numbers for people, with their unit. `–` is what is not known; it is never 0.

export const UNKNOWN = "–";

type Maybe = number | null | undefined;

// Made once: making one costs more than a hundred uses.
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const all = new Intl.NumberFormat("en", { maximumFractionDigits: 9 });
const cents = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const known = (value: Maybe): value is number => value !== null && value !== undefined && Number.isFinite(value);

function short(value: number): string {
  const size = Math.abs(value);
  for (const [unit, factor] of [["T", 1e12], ["B", 1e9], ["M", 1e6], ["k", 1e3]] as const) {
    // 999,950 would print as 1000k.
    if (size >= factor * 0.99995) return `${digits(value / factor)}${unit}`;
  }
  return whole.format(value);
}

// Three significant digits without an exponent.
function digits(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2).replace(/\.?0+$/, (zeros) => (zeros.startsWith(".") ? "" : size >= 100 ? zeros : zeros.replace(/0+$/, "")));
}

// 1,234 and from ten thousand on 12.3k.
export function count(value: Maybe): string {
  if (!known(value)) return UNKNOWN;
  return Math.abs(value) < 10_000 ? whole.format(value) : short(value);
}

// Every digit, for hovers.
export function exact(value: Maybe): string {
  return known(value) ? all.format(value) : UNKNOWN;
}

export function dollars(value: Maybe): string {
  if (!known(value)) return UNKNOWN;
  const size = Math.abs(value);
  const sign = value < 0 ? "-" : "";
  if (size === 0) return "$0";
  if (size >= 10_000) return `${sign}$${short(size)}`;
  if (size >= 0.1) return `${sign}$${cents.format(size)}`;
  if (size < 0.000_001) return `${sign}<$0.000001`;
  // What is smaller than a tenth of a cent is told with two digits: it has to fit a column.
  const places = Math.min(8, (size < 0.001 ? 1 : 2) - Math.floor(Math.log10(size)));
  return `${sign}$${size.toFixed(places).replace(/0+$/, "")}`;
}

export function millis(value: Maybe): string {
  if (!known(value)) return UNKNOWN;
  if (value < 1) return value === 0 ? "0 ms" : `${digits(value)} ms`;
  if (value < 999.5) return `${value < 10 ? digits(value) : whole.format(value)} ms`;
  if (value < 59_995) return `${digits(value / 1000)} s`;
  const seconds = Math.round(value / 1000);
  if (seconds < 3600) return both(Math.floor(seconds / 60), "min", seconds % 60, "s");
  const minutes = Math.round(seconds / 60);
  if (minutes < 72 * 60) return both(Math.floor(minutes / 60), "h", minutes % 60, "min");
  const hours = Math.round(minutes / 60);
  return both(Math.floor(hours / 24), "d", hours % 24, "h");
}

// `2 h 30 min`, and `2 h` where nothing is over.
const both = (many: number, unit: string, rest: number, small: string) => (rest ? `${many} ${unit} ${rest} ${small}` : `${many} ${unit}`);

export function percent(value: Maybe): string {
  if (!known(value)) return UNKNOWN;
  const share = value * 100;
  if (share !== 0 && Math.abs(share) < 0.1) return `${share > 0 ? "<" : ">-"}0.1 %`;
  return `${share.toFixed(Math.abs(share) < 10 ? 1 : 0).replace(/\.0$/, "")} %`;
}

export function bytes(value: Maybe): string {
  if (!known(value)) return UNKNOWN;
  for (const [unit, factor] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]] as const) {
    if (value >= factor * 0.9995) return `${digits(value / factor)} ${unit}`;
  }
  return `${whole.format(value)} bytes`;
}

// How much more: `+12 %`; nothing to compare with gives undefined.
export function change(now: Maybe, before: Maybe): number | undefined {
  if (!known(now) || !known(before) || before === 0) return undefined;
  return now / before - 1;
}
