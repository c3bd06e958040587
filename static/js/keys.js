// Keys: an element with `data-key` is pressed, or focused if it is a field. None works while somebody types.

const FIELDS = "input:not([type=checkbox], [type=radio], [type=file]), textarea, select, [contenteditable]";

document.addEventListener("keydown", (event) => {
  const target = event.target instanceof Element ? event.target : document.body;
  if (event.key === "Enter" && event.ctrlKey) {
    target.closest("form")?.querySelector("[data-ctrl-enter]")?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
    return;
  }
  if (event.key === "Escape" && target.matches("[data-filter]")) {
    const filter = /** @type {HTMLInputElement} */ (target);
    if (!filter.value) filter.blur();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return;
  if (target.closest(FIELDS) || document.querySelector("dialog[open]")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const meant = [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)].filter((each) => each.matches("dialog") || each.checkVisibility());
  // A field of the page comes before a link that leads away from it.
  const found = meant.find((each) => each.matches(FIELDS)) ?? meant[0];
  if (!(found instanceof HTMLElement)) return;
  event.preventDefault();
  if (found instanceof HTMLDialogElement) found.showModal();
  else if (found.matches(FIELDS)) found.focus();
  else found.click();
});
