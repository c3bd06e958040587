// One voice of a call as a waveform, drawn by wavesurfer from stored peaks: only the part of the call that is seen.

import Regions from "../../vendor/wavesurfer/regions.esm.js";
import WaveSurfer from "../../vendor/wavesurfer/wavesurfer.esm.js";
import { make } from "../dom.js";

/** @typedef {import("./tape.js").Track} Track */
/** @typedef {{raw_id: string, label: string, side: string, tracks: Track[], talk: [number, number][]}} LaneFacts */
/** @typedef {{kind: string, lane: string, from_s: number, to_s: number, text: string}} Region */

const FINE = 50;
const COARSE = 5;
const FINE_UP_TO_S = 120;
const QUIETEST = 0.012;

/** @param {HTMLElement} place @param {string} token */
function colour(place, token) {
  const before = place.style.color;
  place.style.color = `var(${token})`;
  const found = getComputedStyle(place).color;
  place.style.color = before;
  return found;
}

export class Lane {
  /** @param {LaneFacts} facts @param {Region[]} regions @param {(at: number) => void} onSeek */
  constructor(facts, regions, onSeek) {
    this.facts = facts;
    this.regions = regions;
    this.onSeek = onSeek;
    this.wave = make("div", { class: "player-wave", "data-side": facts.side, "data-us": String(facts.raw_id === "us") });
    this.from = 0;
    this.until = 1;
    this.asked = 0;
  }

  /** Draws the call from one second to another. @param {number} from @param {number} until @param {string} nonce */
  async show(from, until, nonce) {
    this.from = from;
    this.until = until;
    const mine = ++this.asked;
    const span = until - from;
    const perS = span <= FINE_UP_TO_S ? FINE : COARSE;
    const peaks = this.spoken(perS);
    for (const track of this.facts.tracks) {
      const told = await this.peaksOf(track, perS);
      if (mine !== this.asked) return;
      if (told) this.lay(peaks, told, perS);
    }
    this.draw(peaks, nonce);
  }

  /** Where no recording is: who speaks is known from the levels, so a turn is a band. @param {number} perS */
  spoken(perS) {
    const low = new Float32Array(Math.max(2, Math.ceil((this.until - this.from) * perS)));
    if (this.facts.tracks.length) return low;
    for (const [began, ended] of this.facts.talk)
      for (let at = Math.floor((began - this.from) * perS); at < (ended - this.from) * perS; at++) if (at >= 0 && at < low.length) low[at] = 0.45;
    return low;
  }

  /** @param {Track} track @param {number} perS */
  async peaksOf(track, perS) {
    const from = Math.max(0, this.from - track.offset_s);
    const until = Math.min(track.duration_s, this.until - track.offset_s);
    if (until <= from) return null;
    const address = `${track.peaks}?per_s=${perS}&from_s=${from.toFixed(2)}&until_s=${until.toFixed(2)}`;
    const answer = await fetch(address, { credentials: "same-origin" }).catch(() => null);
    return answer?.ok ? { ...(await answer.json()), offset: track.offset_s } : null;
  }

  /** @param {Float32Array} peaks @param {{from_s: number, per_s: number, peaks: number[], offset: number}} told @param {number} perS */
  lay(peaks, told, perS) {
    const first = (told.from_s + told.offset - this.from) * perS;
    const ratio = perS / told.per_s;
    for (let each = 0; each * 2 + 1 < told.peaks.length; each++) {
      const place = Math.round(first + each * ratio);
      if (place < 0 || place >= peaks.length) continue;
      const loudest = Math.max(Math.abs(told.peaks[each * 2]), Math.abs(told.peaks[each * 2 + 1])) / 128;
      // A call is mostly quiet: the square root shows soft speech as well.
      peaks[place] = Math.max(peaks[place], loudest < QUIETEST ? 0 : Math.sqrt(loudest));
    }
  }

  /** @param {Float32Array} peaks @param {string} nonce */
  draw(peaks, nonce) {
    const us = this.facts.raw_id === "us";
    this.surfer?.destroy();
    this.marks = Regions.create();
    this.surfer = WaveSurfer.create({
      container: this.wave,
      height: 56,
      waveColor: colour(this.wave, us ? "--us-fill" : "--off-fill"),
      progressColor: colour(this.wave, us ? "--us" : "--ink"),
      cursorWidth: 0,
      barWidth: 2,
      barGap: 1,
      barRadius: 1,
      barMinHeight: 1,
      maxPeak: 1,
      interact: false,
      hideScrollbar: true,
      peaks: [peaks],
      duration: this.until - this.from,
      cspNonce: nonce,
      plugins: [this.marks],
    });
    // Before it is ready it takes the call for empty, and would put every region at its start.
    this.surfer.once("ready", () => this.regions.forEach((region) => this.mark(region)));
    if (this.at !== undefined) this.reach(this.at);
  }

  /** @param {Region} region */
  mark(region) {
    const from = Math.max(region.from_s, this.from) - this.from;
    const until = Math.min(region.to_s, this.until) - this.from;
    if (until <= 0 || from >= this.until - this.from || !this.marks) return;
    const wide = (until - from) / (this.until - this.from) > 0.05;
    const content = make("span", {}, [wide ? region.text : ""]);
    content.title = region.text;
    this.marks.addRegion({ id: region.kind, start: from, end: Math.max(until, from + (this.until - this.from) / 600), content, drag: false, resize: false, color: "transparent" });
  }

  /** What has been played of it is darker. @param {number} at */
  reach(at) {
    this.at = at;
    const done = (at - this.from) / (this.until - this.from);
    this.surfer?.getRenderer().renderProgress(Math.min(1, Math.max(0, done)));
  }

  destroy() {
    this.surfer?.destroy();
    this.surfer = undefined;
  }
}
