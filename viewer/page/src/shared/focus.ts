/** Gives the focus to the page's content, for a control that goes away when it is used. */
export function focusMain(): void {
  document.querySelector("main")?.focus({ preventScroll: true });
}
