// Sets the theme before the first paint. `src/app/theme.ts` changes it later.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("weir-theme");
  } catch {
    // No storage: the system decides.
  }
  const dark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
