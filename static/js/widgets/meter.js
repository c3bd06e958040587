// <acs-meter>: a level in dBFS with the ballistics of a studio meter. Its markup is templates/widgets/meter.html.

import { decibels, signed } from "../words.js";
import { moves, rest } from "./frames.js";

const FLOOR = -60;
const FALL_DB_S = 20;
const HOLD_MS = 1_500;
const CLIP_MS = 3_000;
const STALE_MS = 700;
const STILL = new Set(["off", "muted", "held"]);

/** Meters that nobody sees are not drawn. */
const watcher = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) /** @type {AcsMeter} */ (target).inView = isIntersecting;
  },
  { rootMargin: "100px" },
);

/** @typedef {{rms_dbfs: number, peak_dbfs: number, dc: number, speaking: boolean, clipping: boolean}} Level */

/** @param {number} dbfs share of the well, 0 to 1 */
const share = (dbfs) => Math.min(1, Math.max(0, (dbfs - FLOOR) / -FLOOR));

export class AcsMeter extends HTMLElement {
  connectedCallback() {
    const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (this.querySelector(name));
    this.rmsBar = part(".rms");
    this.peakBar = part(".peak");
    this.overBar = part(".over");
    this.holdLine = part(".hold");
    this.value = part("[data-slot=value]");
    this.us = this.dataset.leg === "us";
    this.rms = this.peak = this.hold = -100;
    this.holdAt = this.heardAt = this.clipAt = -1e9;
    this.saidAt = this.spokenAt = 0;
    /** @type {Level|null} */
    this.level = null;
    this.drawn = ["", "", "", ""];
    this.step = (/** @type {number} */ now, /** @type {number} */ passed_s) => this.move(now, passed_s);
    this.inView = true;
    watcher.observe(this);
    moves(this.step);
  }

  disconnectedCallback() {
    watcher.unobserve(this);
    rest(this.step);
  }

  /** @param {Level} level the newest 100 ms */
  hear(level) {
    this.level = level;
    this.heardAt = performance.now();
    if (level.clipping) this.clipAt = this.heardAt;
  }

  /** @param {string} look "off", "muted" or "held" stops the meter; "quiet" lets it move */
  stand(look) {
    const still = STILL.has(look);
    if (still === STILL.has(this.dataset.look ?? "") && (!still || this.dataset.look === look)) return;
    this.dataset.look = look;
    this.saidAt = this.spokenAt = 0;
  }

  /** @param {number} now @param {number} passed_s */
  move(now, passed_s) {
    const still = STILL.has(this.dataset.look ?? "");
    const level = !still && now - this.heardAt < STALE_MS ? this.level : null;
    const fall = FALL_DB_S * passed_s;
    this.rms = Math.max(level?.rms_dbfs ?? -100, this.rms - fall, -100);
    this.peak = Math.max(level?.peak_dbfs ?? -100, this.peak - fall, -100);
    if (this.peak >= this.hold) [this.hold, this.holdAt] = [this.peak, now];
    else if (now - this.holdAt > HOLD_MS) this.hold = Math.max(this.peak, this.hold - fall);
    if (!still && this.inView) this.show(now, level);
    if (now - this.saidAt > 250) this.say(now, still, level);
  }

  /** @param {number} now @param {Level|null} level */
  show(now, level) {
    this.draw(0, this.rmsBar, `scaleX(${share(this.rms).toFixed(3)})`);
    this.draw(1, this.peakBar, `scaleX(${share(this.peak).toFixed(3)})`);
    const at = share(this.hold) * 100;
    this.draw(2, this.holdLine, at > 0 ? `translateX(calc(${at.toFixed(1)}% - 2px))` : "translateX(-3px)");
    const clips = now - this.clipAt < CLIP_MS;
    this.draw(3, this.overBar, `scaleX(${clips ? Math.max(0, (this.peak + 5) / 5).toFixed(3) : 0})`);
    this.toggleAttribute("data-clip", clips);
    const look = this.us ? (level ? "us" : "quiet") : level?.speaking ? "speaks" : "quiet";
    if (this.dataset.look !== look) this.dataset.look = look;
  }

  /** @param {number} slot @param {HTMLElement} bar @param {string} transform */
  draw(slot, bar, transform) {
    if (this.drawn[slot] === transform) return;
    this.drawn[slot] = transform;
    bar.style.transform = transform;
  }

  /** Numbers four times a second for eyes, once a second for screen readers. */
  say(/** @type {number} */ now, /** @type {boolean} */ still, /** @type {Level|null} */ level) {
    this.saidAt = now;
    const look = this.dataset.look ?? "";
    const text = look === "off" ? "–" : still ? look : level ? decibels(level.rms_dbfs) : decibels(-100);
    if (this.value.textContent !== text) this.value.textContent = text;
    if (now - this.spokenAt < 1_000) return;
    this.spokenAt = now;
    const shown = level ? Math.max(FLOOR, Math.round(level.rms_dbfs)) : FLOOR;
    const words = still ? (look === "off" ? "no stream" : look) : level ? `${text}${level.speaking ? ", speaking" : ""}` : "silent";
    this.setAttribute("aria-valuenow", String(shown));
    this.setAttribute("aria-valuetext", words);
    const facts = this.closest("[data-person]");
    if (facts) tellFacts(facts, level);
  }
}

/** Peak and DC beside a large meter. @param {Element} person @param {Level|null} level */
function tellFacts(person, level) {
  const peak = person.querySelector("[data-slot=peak]");
  const dc = person.querySelector("[data-slot=dc]");
  if (peak) peak.textContent = level ? `peak ${signed(Math.max(-100, level.peak_dbfs))}` : "";
  if (dc) dc.textContent = level ? `DC ${level.dc > 0.0005 ? "+" : ""}${signed(level.dc * 100)} %` : "";
}

customElements.define("acs-meter", AcsMeter);
