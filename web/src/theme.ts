// Dark or light: the system's wish until a person chooses.
import { useEffect, useState } from "preact/hooks";

export type Theme = "dark" | "light";
const key = "cowatch.theme";
const system = window.matchMedia("(prefers-color-scheme: light)");
const changed = new EventTarget();

export function currentTheme(): Theme {
  const chosen = document.documentElement.dataset["theme"];
  if (chosen === "dark" || chosen === "light") return chosen;
  return system.matches ? "light" : "dark";
}

export function switchTheme(): void {
  const theme: Theme = currentTheme() === "dark" ? "light" : "dark";
  document.documentElement.dataset["theme"] = theme;
  try {
    localStorage.setItem(key, theme);
  } catch {
    // Storage may be forbidden: the choice lasts until the page is left.
  }
  changed.dispatchEvent(new Event("change"));
}

// The theme in force; views that paint on a canvas draw again when it changes.
export function useTheme(): Theme {
  const [theme, setTheme] = useState(currentTheme);
  useEffect(() => {
    const update = () => setTheme(currentTheme());
    changed.addEventListener("change", update);
    system.addEventListener("change", update);
    return () => {
      changed.removeEventListener("change", update);
      system.removeEventListener("change", update);
    };
  }, []);
  return theme;
}
