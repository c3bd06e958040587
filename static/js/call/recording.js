// The recording panel: fetched anew, ready made, whenever something of it has changed. The marks in the head and the title follow the row.

import { localTimes } from "../words.js";
import { paintMarks, sensitiveLeft } from "../widgets/marks.js";

const SOON_MS = 150;

/** @typedef {import("../looks.js").Row} Row */

export class RecordingPanel {
  /** @param {HTMLElement} page */
  constructor(page) {
    this.page = page;
    /** @type {Row|null} */
    this.row = null;
    this.drawn = "";
    this.asked = 0;
    this.title = document.title.replace(/^\p{So}\uFE0E? /u, "");
  }

  get panel() {
    return /** @type {HTMLElement|null} */ (this.page.querySelector("#recording"));
  }

  /** @param {Row} row */
  paint(row) {
    this.row = row;
    const { may } = row;
    const state = JSON.stringify([row.recording, row.sensitive, may.start_recording, may.record_at_azure]);
    if (this.drawn && state !== this.drawn) this.renew();
    this.drawn = state;
    this.tick();
  }

  tick() {
    if (!this.row) return;
    paintMarks(this.page, this.row);
    const mark = sensitiveLeft(this.row) > 0 ? "⏸︎ " : this.row.recording.state === "recording" ? "⏺︎ " : "";
    const title = mark + this.title;
    if (document.title !== title) document.title = title;
  }

  renew() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.fetch(), SOON_MS);
  }

  async fetch() {
    const { panel } = this;
    if (!panel) return;
    const number = (this.asked += 1);
    const answer = await fetch(panel.dataset.src ?? "", { credentials: "same-origin" }).catch(() => null);
    if (!answer?.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("recording");
    if (!fresh || number !== this.asked || !panel.isConnected) return; // a younger answer comes, or has come
    const verb = panel.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement).dataset.verb : "";
    const made = /** @type {HTMLElement} */ (document.importNode(fresh, true));
    panel.replaceWith(made);
    localTimes(made);
    // Whoever stood on a button goes on from its place, though its order has given it another name.
    if (verb) /** @type {HTMLElement|null} */ (made.querySelector(`[data-verb="${verb}"]`) ?? made.querySelector("[data-verb]"))?.focus();
  }
}
