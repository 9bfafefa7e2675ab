const mac = /Mac|iP(hone|ad)/.test(navigator.platform);

// Keys as they stand on the keyboard: `mod+k`, `g o`.
export function Keys({ keys }: { keys: string }) {
  const shown = keys.split(" ").map((part) =>
    part
      .split("+")
      .map((key) => ({ mod: mac ? "⌘" : "Ctrl", shift: "⇧", enter: "↵", escape: "Esc" })[key] ?? (key.length === 1 ? key.toUpperCase() : key))
      .join(mac ? "" : "+"),
  );
  return (
    <span className="inline-flex gap-1">
      {shown.map((key, n) => (
        <kbd key={`${n}${key}`} className="rounded border border-line bg-sunken px-1 font-sans text-2xs text-muted">
          {key}
        </kbd>
      ))}
    </span>
  );
}
