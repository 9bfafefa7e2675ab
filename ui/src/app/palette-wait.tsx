type Props = { text: string; onText: (text: string) => void; onClose: () => void };

// Stands in the place of the palette until its code is there, so that what is typed meanwhile is no shortcut and is not lost.
export function PaletteWait({ text, onText, onClose }: Props) {
  return (
    <div data-modal role="dialog" aria-modal aria-label="Search and commands" className="fixed inset-0 z-50 bg-black/40">
      <div className="fixed top-[12vh] left-1/2 w-[calc(100vw-2rem)] max-w-xl -translate-x-1/2 overflow-hidden rounded-xl border border-line bg-raised shadow-xl">
        <input
          autoFocus
          aria-label="Search and commands"
          value={text}
          onChange={(event) => onText(event.target.value)}
          onKeyDown={(event) => event.key === "Escape" && onClose()}
          className="h-12 w-full bg-transparent px-4 text-base outline-none"
        />
      </div>
    </div>
  );
}
