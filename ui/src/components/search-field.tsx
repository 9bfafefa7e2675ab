import { useEffect, useRef, useState } from "react";
import { Field } from "./choice";

type Props = { label: string; placeholder: string; value: string; onChange: (text: string) => void; className?: string };

// A search whose text is in the address, which follows a moment later: while it is typed in, what is typed leads.
export function SearchField({ label, value, onChange, ...rest }: Props) {
  const [text, setText] = useState(value);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (document.activeElement !== field.current) setText(value);
  }, [value]);
  const type = (next: string) => {
    setText(next);
    onChange(next);
  };
  return <Field ref={field} type="search" aria-label={label} value={text} onChange={(event) => type(event.target.value)} {...rest} />;
}
