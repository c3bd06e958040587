// On every page: keys, dialogs, theme, copying, times, and orders given by forms.

import "./keys.js";
import "./orders.js";
import "./widgets/meter.js";
import { symbol, write } from "./dom.js";
import { toast } from "./widgets/toast.js";
import { localTimes } from "./words.js";

const THEMES = /** @type {const} */ ({ system: ["system", "Theme follows the system"], light: ["sun", "Theme is light"], dark: ["moon", "Theme is dark"] });
const root = document.documentElement;

function sayTheme() {
  const [name, words] = THEMES[/** @type {keyof typeof THEMES} */ (root.dataset.theme ?? "system")];
  for (const button of document.querySelectorAll("[data-theme-next]")) {
    symbol(button.querySelector("use"), name);
    write(button.querySelector("span"), words);
  }
}

function nextTheme() {
  const next = { undefined: "light", light: "dark", dark: "" }[String(root.dataset.theme)] ?? "";
  if (next) root.dataset.theme = next;
  else delete root.dataset.theme;
  try {
    localStorage.setItem("theme", next);
  } catch {
    // Not kept: storage is forbidden here.
  }
  sayTheme();
  dispatchEvent(new Event("themechange"));
}

/** @param {HTMLElement} button */
function showPassword(button) {
  const field = /** @type {HTMLInputElement} */ (document.getElementById(button.dataset.shows ?? ""));
  const shown = field.type === "password";
  field.type = shown ? "text" : "password";
  button.setAttribute("aria-pressed", String(shown));
  write(button, shown ? "Hide" : "Show");
}

document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null;
  const opener = /** @type {HTMLElement|null} */ (target?.closest("[data-opens]") ?? null);
  const dialog = opener && document.getElementById(opener.dataset.opens ?? "");
  if (dialog instanceof HTMLDialogElement) {
    event.preventDefault();
    if (opener?.getAttribute("aria-disabled") === "true") return;
    /** @type {HTMLElement|null} */ (opener?.closest("[popover]"))?.hidePopover();
    dialog.showModal();
  }
  if (target?.closest("[data-closes]")) target.closest("dialog")?.close();
  // A click on the backdrop hits the dialog itself.
  if (target instanceof HTMLDialogElement) closeOutside(target, /** @type {MouseEvent} */ (event));
  if (target?.closest("[data-theme-next]")) nextTheme();
  const copies = /** @type {HTMLElement|null} */ (target?.closest("[data-copies]") ?? null);
  if (copies) navigator.clipboard?.writeText(copies.dataset.copies ?? "").then(() => toast("Copied."), () => toast("The browser did not allow copying.", "bad"));
  const shows = /** @type {HTMLElement|null} */ (target?.closest("[data-shows]") ?? null);
  if (shows) showPassword(shows);
});

/** @param {HTMLDialogElement} dialog @param {MouseEvent} event */
function closeOutside(dialog, event) {
  const box = dialog.getBoundingClientRect();
  const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
  if (!inside) dialog.close();
}

document.addEventListener("ordered", (event) => {
  const { verb, answer } = /** @type {CustomEvent} */ (event).detail;
  if (verb === "place" && answer?.id) location.assign(`/calls/${answer.id}/`);
});

for (const element of document.querySelectorAll("[data-shows]")) /** @type {HTMLElement} */ (element).hidden = false;
sayTheme();
localTimes(document);
document.addEventListener("htmx:afterSettle", () => localTimes(document));
setInterval(() => document.hidden || localTimes(document), 5_000);
