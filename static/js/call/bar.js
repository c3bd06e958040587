// The control bar: what plays with its time left, what can be ordered now, and what became of the last order.

import { forbid, slot, symbol, write } from "../dom.js";
import { phase, playingWords } from "../looks.js";
import { leftWords, sensitiveLeft } from "../widgets/marks.js";
import { length } from "../words.js";
import { VERB_WORDS } from "./events.js";

const STAYS_MS = 6_000;
const NO_ANSWER_MS = 3_000;

export class Bar {
  constructor() {
    this.bar = /** @type {HTMLElement} */ (document.getElementById("control-bar"));
    /** @type {import("../looks.js").Row|null} */
    this.row = null;
    /** @type {import("../looks.js").Playing|null} */
    this.playing = null;
    this.lost = false;
    this.hideAt = 0;
    this.askedAt = 0;
  }

  /** @param {import("../looks.js").Row} row */
  paint(row) {
    this.row = row;
    this.bar.dataset.phase = phase(row);
    this.bar.dataset.streaming = row.streaming.state;
    this.show();
  }

  /** @param {import("../looks.js").Playing|null} playing */
  hear(playing) {
    this.playing = playing;
    this.show();
  }

  show() {
    const { row, playing, bar } = this;
    if (!row) return;
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (bar.querySelectorAll("[data-verb]"))) {
      const verb = button.dataset.verb ?? "";
      const idle = verb === "stop_sound" && !playing ? "Nothing plays." : "";
      forbid(button, this.lost ? "There is no connection to the portal." : row.may[verb] || idle);
    }
    const obstacle = row.state === "connected" ? row.may.speak : "";
    const left_s = sensitiveLeft(row);
    bar.toggleAttribute("data-sensitive", left_s > 0);
    const now = left_s > 0 ? "sensitive" : playing ? "plays" : obstacle ? "cannot" : "quiet";
    const place = slot(bar, "now");
    if (place.dataset.now !== now) place.dataset.now = now;
    write(slot(bar, "now-lead"), left_s > 0 ? "Nothing is kept or passed on." : "");
    if (left_s > 0) {
      symbol(slot(bar, "now-icon"), "pause");
      write(slot(bar, "now-words"), `Goes on in ${leftWords(left_s)}`);
      return;
    }
    symbol(slot(bar, "now-icon"), playing ? "speak" : "warning");
    write(slot(bar, "now-words"), playing ? `${playingWords(playing)}${playing.queued ? `, ${playing.queued} more waits` : ""}` : obstacle || "Nothing plays");
    if (!playing) return;
    write(slot(bar, "now-left"), playing.left_ms === null ? "loops" : `${length(playing.left_ms)} left`);
    const progress = /** @type {HTMLProgressElement} */ (slot(bar, "now-bar"));
    progress.value = playing.left_ms === null ? 100 : (playing.played_ms / Math.max(1, playing.played_ms + playing.left_ms)) * 100;
  }

  /** The life of an order in one chip. @param {string} verb @param {string} state asked, queued, accepted, done or failed */
  order(verb, state) {
    const words = VERB_WORDS[verb]?.[1];
    if (!words) return;
    const [name, word, tone] = { accepted: ["check", "accepted", "off"], done: ["check", "done", "ok"], failed: ["trouble", "failed", "bad"] }[state] ?? ["clock", "asked", "off"];
    const chip = slot(this.bar, "order");
    chip.hidden = false;
    chip.dataset.tone = tone;
    symbol(slot(chip, "order-icon"), name);
    write(slot(chip, "order-words"), `${words}: ${word}`);
    this.askedAt = name === "clock" ? Date.now() : 0;
    this.hideAt = tone === "off" ? 0 : Date.now() + STAYS_MS;
  }

  tick() {
    if (this.row?.sensitive) this.show();
    const chip = slot(this.bar, "order");
    if (this.hideAt && Date.now() > this.hideAt) chip.hidden = true;
    if (this.askedAt && Date.now() - this.askedAt > NO_ANSWER_MS) {
      chip.dataset.tone = "wait";
      write(slot(chip, "order-words"), "No answer yet");
    }
  }

  /** @param {boolean} lost */
  lose(lost) {
    this.lost = lost;
    this.playing = null;
    this.show();
  }
}
