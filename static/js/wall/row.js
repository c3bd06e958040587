// One call on the wall: fills the row's slots from its JSON, and moves with its levels. Markup: templates/widgets/row.html.

import { paintMarks } from "../widgets/marks.js";
import { copyOf, forbid, slot, symbol, write } from "../dom.js";
import * as looks from "../looks.js";
import { ago, clock } from "../words.js";

const SPOKE_MS = 500;
const LAG_IS_NEWS_MS = 100;
const RING_S = 30;
const COMMON = new Set(["Caller", "Callee", "Somebody"]);

/** @typedef {import("../widgets/meter.js").AcsMeter} AcsMeter */

export class WallRow {
  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    this.id = element.dataset.call ?? "";
    /** @type {looks.Row|null} */
    this.row = null;
    /** @type {looks.Playing|null} */
    this.playing = null;
    /** Since the newest frame came, while that is long ago. */
    this.age_ms = 0;
    /** @type {{raw_id: string, since: number, last: number}|null} */
    this.voice = null;
    this.heardSince = 0;
    /** The newest words, from the row or from the levels. @type {{speaker: string, text: string}|null} */
    this.line = null;
    /** @type {Map<string, AcsMeter>} */
    this.meters = new Map();
    for (const meter of element.querySelectorAll("acs-meter")) this.meters.set(/** @type {AcsMeter} */ (meter).dataset.leg ?? "", /** @type {AcsMeter} */ (meter));
  }

  /** A row for a call that the page does not show yet. @param {string} id */
  static blank(id) {
    return new WallRow(copyOf("row-template", id));
  }

  /** @param {looks.Row} row */
  paint(row) {
    if (this.row && row.seq < this.row.seq) return;
    const { element } = this;
    this.row = row;
    if (row.last_line) this.line = row.last_line;
    element.dataset.phase = looks.phase(row);
    element.dataset.streaming = row.streaming.state;
    element.dataset.words = `${row.title} ${row.other_title} ${row.policy}`;
    symbol(slot(element, "way"), row.direction === "inbound" ? "call-in" : "call-out");
    write(slot(element, "title"), row.title);
    write(slot(element, "line"), looks.line(row));
    write(slot(element, "code"), looks.endCode(row));
    write(slot(element, "policy"), row.policy);
    write(slot(element, "stream"), looks.streamWords(row));
    symbol(slot(element, "stream-icon"), looks.streamIcon(row));
    const ended = element.querySelector("time");
    if (ended && row.ended_at) ended.dateTime = row.ended_at;
    const time = slot(element, "time");
    time.dataset.since = looks.countsFrom(row);
    if (!time.dataset.since) write(slot(time, "clock"), row.duration_s === null ? "–" : clock(row.duration_s));
    paintMarks(element, row);
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (element.querySelectorAll("[data-verb]")))
      forbid(button, row.may[button.dataset.verb ?? ""] ?? "");
    if (!looks.isLive(row)) this.playing = null;
    this.seat();
    this.say();
  }

  /** One meter per voice, in the order of the people; ours last, only while we speak. */
  seat() {
    if (!this.row) return;
    const wanted = looks.legs(this.row);
    if (this.playing) wanted.push({ raw_id: "us", label: "We", look: "quiet" });
    const box = slot(this.element, "legs");
    for (const [raw_id, meter] of this.meters)
      if (!wanted.some((leg) => leg.raw_id === raw_id)) {
        meter.remove();
        this.meters.delete(raw_id);
      }
    for (const [at, leg] of wanted.entries()) {
      let meter = this.meters.get(leg.raw_id);
      if (!meter) {
        meter = /** @type {AcsMeter} */ (copyOf("meter-template"));
        meter.dataset.leg = leg.raw_id;
        this.meters.set(leg.raw_id, meter);
      }
      if (box.children[at] !== meter) box.insertBefore(meter, box.children[at] ?? null);
      write(slot(meter, "label"), leg.label);
      meter.setAttribute("aria-label", `${leg.label}, level`);
      meter.stand(leg.look);
    }
  }

  /** @param {Record<string, import("../widgets/meter.js").Level>} levels @param {looks.Playing|null} playing */
  hear(levels, playing) {
    const now = Date.now();
    const changed = Boolean(playing) !== Boolean(this.playing);
    this.playing = playing;
    if (changed) this.seat();
    for (const [raw_id, meter] of this.meters) if (levels[raw_id]) meter.hear(levels[raw_id]);
    this.heardSince ||= now;
    const speaks = Object.keys(levels).find((raw_id) => raw_id !== "us" && levels[raw_id].speaking);
    if (speaks) {
      const goesOn = this.voice?.raw_id === speaks && now - this.voice.last < SPOKE_MS;
      this.voice = { raw_id: speaks, since: goesOn && this.voice ? this.voice.since : now, last: now };
    }
  }

  /** What is being said, as far as it is understood. @param {{raw_id: string, text: string}} line */
  read(line) {
    const person = this.row?.participants.find((each) => each.raw_id === line.raw_id);
    const told = this.row?.last_line; // also of who is not among the people yet
    const known = told?.raw_id === line.raw_id ? told.speaker : "";
    const speaker = person ? looks.short(person.label) : line.raw_id === "mixed" ? "Mixed" : line.raw_id === "us" ? "We" : known;
    this.line = { speaker, text: line.text };
  }

  /** The row leaves the screen and is told no levels: who spoke when is not known when it comes back. */
  forget() {
    [this.voice, this.heardSince] = [null, 0];
  }

  /** @param {{lag_ms: number, frame_age_ms?: number}|null} health */
  lag(health) {
    this.age_ms = health?.frame_age_ms ?? 0;
    if (!this.row || this.row.streaming.state !== "streaming") return;
    const place = slot(this.element, "lag");
    const slow = Boolean(health && health.lag_ms >= LAG_IS_NEWS_MS);
    const oneWay = !this.row.streaming.bidirectional;
    const words = health ? `lag ${health.lag_ms} ms` : oneWay ? "one way" : "both ways";
    write(place, oneWay && health ? `one way, ${health.lag_ms} ms` : words);
    place.classList.toggle("slow", slow || oneWay);
  }

  /** The sentence and the reason, told anew each second and with every change. */
  say() {
    const { element, row, playing } = this;
    if (!row) return;
    let look = looks.LOOKS[looks.lookName(row)];
    const streams = row.state === "connected" && row.streaming.state === "streaming";
    if (!streams) [this.voice, this.heardSince] = [null, 0];
    const speaker = this.speaker();
    let { reason } = look;
    if (playing) {
      look = looks.LOOKS.us;
      reason = `${playing.kind}, ${playing.left_ms === null ? "loops" : `${(playing.left_ms / 1000).toFixed(1)} s left`}`;
    } else if (streams && this.age_ms >= looks.STALLED_MS) {
      look = { ...look, tone: "wait", icon: "warning" };
      reason = looks.stallWords(this.age_ms);
    } else if (look === looks.LOOKS.sensitive) reason = look.reason;
    else if (streams && speaker?.now) reason = `${COMMON.has(speaker.label) ? speaker.label.toLowerCase() : speaker.label} speaks`;
    else if (streams && this.heardSince && reason === looks.LOOKS.live.reason) reason = "nobody speaks";
    element.dataset.tone = look.tone;
    element.toggleAttribute("data-speaks", Boolean(playing));
    symbol(slot(element, "icon"), look.icon);
    write(slot(element, "word"), look.word);
    write(slot(element, "reason"), reason);
    const text = playing?.kind === "text" ? `We: ${playing.label}` : playing ? `We play: ${looks.playingWords(playing)}` : looks.happened(row);
    write(slot(element, "happened"), text);
    const reads = row.state === "connected" && !playing && this.line;
    element.querySelector(".row-said")?.toggleAttribute("data-said", Boolean(reads));
    if (reads) {
      write(slot(element, "speaker"), reads.speaker);
      write(slot(element, "said"), reads.text);
    }
    write(slot(element, "voice"), streams && !playing ? this.voiceWords(speaker) : "");
    this.lag_word();
  }

  lag_word() {
    if (!this.row || this.row.streaming.state === "streaming") return;
    write(slot(this.element, "lag"), "no sound");
    slot(this.element, "lag").classList.remove("slow");
  }

  speaker() {
    const voice = this.voice;
    if (!voice || !this.row) return null;
    const person = this.row.participants.find((each) => each.raw_id === voice.raw_id);
    if (!person && voice.raw_id !== "mixed") return null;
    const name = person ? person.label : "Somebody";
    return { name, label: person ? looks.short(name) : name, now: Date.now() - voice.last < SPOKE_MS * 2, ...voice };
  }

  /** @param {ReturnType<WallRow["speaker"]>} speaker */
  voiceWords(speaker) {
    const now = Date.now();
    if (speaker?.now) return `${speaker.name} has spoken for ${Math.max(1, Math.round((now - speaker.since) / 1000))} s.`;
    if (speaker) return `${speaker.name} spoke last, ${ago((now - speaker.last) / 1000)}.`;
    const quiet = this.heardSince ? Math.floor((now - this.heardSince) / 1000) : 0;
    return quiet >= 3 ? `Nobody has spoken for ${quiet} s.` : "";
  }

  /** Seconds on, from the portal's clock. @param {number} now ms since the epoch, at the portal */
  tick(now) {
    const time = slot(this.element, "time");
    if (!this.row) return;
    paintMarks(this.element, this.row);
    if (!time.dataset.since) return;
    const passed = (now - Date.parse(time.dataset.since)) / 1000;
    write(slot(time, "clock"), clock(passed));
    if (!looks.phase(this.row).startsWith("rings")) return;
    const bar = this.element.querySelector("progress");
    if (bar) bar.value = Math.min(RING_S, passed);
    write(slot(this.element, "rung"), passed <= RING_S ? `${Math.max(0, Math.floor(passed))} of ${RING_S} s` : `${Math.floor(passed)} s`);
  }

  /** The connection is gone: levels would be lies, names are not. @param {boolean} lost */
  lose(lost) {
    if (lost) {
      for (const meter of this.meters.values()) meter.stand("off");
      for (const button of /** @type {NodeListOf<HTMLElement>} */ (this.element.querySelectorAll("[data-verb]")))
        forbid(button, "There is no connection to the portal.");
    } else if (this.row) this.paint(this.row);
  }
}
