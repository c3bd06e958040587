// The strip below the lanes: the whole call, what of it is seen, and where to look. Drag it, or press a place.

import { make } from "../dom.js";

export class Whole {
  /** @param {HTMLElement} place @param {(at: number) => void} onSeek */
  constructor(place, onSeek) {
    this.place = place;
    this.done = make("div", { class: "whole-done" });
    this.window = make("div", { class: "whole-window" });
    this.head = make("div", { class: "whole-head" });
    this.marks = make("div", { class: "whole-marks" });
    place.replaceChildren(this.done, this.marks, this.window, this.head);
    const seek = (/** @type {PointerEvent} */ event) => {
      const box = place.getBoundingClientRect();
      onSeek(((event.clientX - box.left) / box.width) * this.duration);
    };
    place.addEventListener("pointerdown", (event) => {
      place.setPointerCapture(event.pointerId);
      seek(event);
    });
    place.addEventListener("pointermove", (event) => place.hasPointerCapture(event.pointerId) && seek(event));
    this.duration = 1;
  }

  /** @param {number} duration @param {{kind: string, from_s: number, to_s: number}[]} regions @param {{at_s: number, tone: string}[]} marks */
  tell(duration, regions, marks) {
    this.duration = duration;
    const shown = regions.map(({ kind, from_s, to_s }) => this.at(make("i", { "data-kind": kind }), from_s, to_s));
    const bad = marks.filter((mark) => mark.tone === "bad").map((mark) => this.at(make("i", { "data-kind": "bad" }), mark.at_s, mark.at_s));
    this.marks.replaceChildren(...shown, ...bad);
  }

  /** @param {HTMLElement} element @param {number} from @param {number} until */
  at(element, from, until) {
    const share = (/** @type {number} */ second) => `${(Math.min(this.duration, Math.max(0, second)) / this.duration) * 100}%`;
    element.style.left = share(from);
    element.style.width = share(until - from);
    return element;
  }

  /** @param {number} at @param {number} from @param {number} until */
  move(at, from, until) {
    this.at(this.done, 0, at);
    this.at(this.head, at, at);
    this.at(this.window, from, until);
    this.window.hidden = until - from >= this.duration - 0.01;
    this.place.setAttribute("aria-valuenow", at.toFixed(1));
  }
}
