import { Moon, Sun } from "lucide-react";
import { useState } from "react";
import { IconButton } from "@/components/button";

type Theme = "light" | "dark";

const systemTheme = (): Theme =>
  window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";

/** Switches between light and dark; before the first use the system decides. */
export function ThemeButton() {
  const [theme, setTheme] = useState<Theme>(
    () => (document.documentElement.dataset.theme as Theme | undefined) ?? systemTheme(),
  );
  const other = theme === "dark" ? "light" : "dark";
  const Sign = theme === "dark" ? Sun : Moon;
  const change = () => {
    document.documentElement.dataset.theme = other;
    try {
      localStorage.setItem("taproom.theme", other);
    } catch {
      // Storage is off: the choice holds until the page is closed.
    }
    setTheme(other);
  };
  return (
    <IconButton label={`Use ${other} colours`} onPress={change} className="hidden min-[380px]:inline-flex">
      <Sign aria-hidden className="size-5" />
    </IconButton>
  );
}
