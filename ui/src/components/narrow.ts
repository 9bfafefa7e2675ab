import { useSyncExternalStore } from "react";

const media = matchMedia("(max-width: 639px)");

// Whether the page is as narrow as a phone.
export const useNarrow = () =>
  useSyncExternalStore(
    (listener) => {
      media.addEventListener("change", listener);
      return () => media.removeEventListener("change", listener);
    },
    () => media.matches,
  );
