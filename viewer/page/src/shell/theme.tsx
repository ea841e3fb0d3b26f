// Light or dark: as the system says, or as the reader chose. The theme is `data-theme` of the page's root element.
import { useEffect, useState } from "preact/hooks";

const CHOICES = ["auto", "light", "dark"] as const;
type Choice = (typeof CHOICES)[number];
const KEPT_AT = "confide.theme";

const dark = window.matchMedia("(prefers-color-scheme: dark)");

function kept(): Choice {
  return CHOICES.find((choice) => choice === recall(KEPT_AT)) ?? "auto";
}

/** What this browser remembers for the page; null where it may not. */
export function recall(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // A page that was opened from a disk may be refused: then it is not remembered.
  }
}

function apply(choice: Choice): void {
  const theme = choice === "auto" ? (dark.matches ? "dark" : "light") : choice;
  document.documentElement.setAttribute("data-theme", theme);
}

/** Sets the theme before anything is drawn. */
export function beginTheme(): void {
  apply(kept());
}

const SIGNS: Record<Choice, string> = { auto: "◐", light: "○", dark: "●" };

export function ThemeButton() {
  const [choice, choose] = useState(kept);
  useEffect(() => {
    apply(choice);
    remember(KEPT_AT, choice);
    const follow = () => apply(choice);
    dark.addEventListener("change", follow);
    return () => dark.removeEventListener("change", follow);
  }, [choice]);
  const next = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length] ?? "auto";
  const name = `Theme: ${choice}; change to ${next}`;
  return (
    <button type="button" class="plain" title={name} aria-label={name} onClick={() => choose(next)}>
      <span aria-hidden="true">{SIGNS[choice]}</span>
    </button>
  );
}
