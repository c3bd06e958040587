// Say something: which of the four ways is open, and what becomes of what was written.

import { forbid, slot, write } from "../dom.js";

export class Say {
  /** @param {HTMLElement} page */
  constructor(page) {
    this.panel = slot(page, "say");
    if (!this.panel) return;
    this.tabs = /** @type {HTMLElement[]} */ ([...this.panel.querySelectorAll("[data-way-of]")]);
    for (const tab of this.tabs) tab.addEventListener("click", () => this.choose(tab.dataset.wayOf ?? "text", true));
    this.panel.addEventListener("keydown", (event) => this.walk(event));
    this.panel.addEventListener("ordered", (event) => this.sent(/** @type {CustomEvent} */ (event).detail.form));
    this.choose("text", false);
  }

  /** @param {string} way @param {boolean} focus */
  choose(way, focus) {
    this.panel.dataset.way = way;
    for (const tab of this.tabs ?? []) {
      const chosen = tab.dataset.wayOf === way;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
    }
    const form = this.panel.querySelector(`form[data-way="${way}"]`);
    if (focus) /** @type {HTMLElement|null} */ (form?.querySelector("textarea, select, input:not([type=hidden])"))?.focus();
  }

  /** Arrows walk along the tabs. @param {KeyboardEvent} event */
  walk(event) {
    const at = this.tabs?.indexOf(/** @type {HTMLElement} */ (event.target)) ?? -1;
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (at < 0 || !step || !this.tabs) return;
    event.preventDefault();
    const next = this.tabs[(at + step + this.tabs.length) % this.tabs.length];
    this.choose(next.dataset.wayOf ?? "text", false);
    next.focus();
  }

  /** The field is empty again at once: speaking again puts the next text behind this one. @param {HTMLFormElement} form */
  sent(form) {
    const field = form.querySelector("textarea");
    if (field) field.value = "";
  }

  /** Puts a text back, so that nothing has to be typed twice. @param {string} text */
  again(text) {
    const field = this.panel?.querySelector("textarea");
    if (!field) return;
    this.choose("text", false);
    field.value = text;
    field.focus();
  }

  /** @param {string} reason why nothing can be said; "" if it can */
  allow(reason) {
    if (!this.panel) return;
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (this.panel.querySelectorAll("[data-verb=speak]"))) forbid(button, reason);
    slot(this.panel, "may-speak").hidden = !reason;
    if (reason) write(slot(this.panel, "may-speak-words"), reason);
  }
}
