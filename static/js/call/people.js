// The people of a call, each with a large meter, and ours last. Markup: templates/call/person.html.

import { copyOf, slot, symbol, write } from "../dom.js";
import * as looks from "../looks.js";
import { clock, length } from "../words.js";

const KINDS = /** @type {Record<string, string>} */ ({ phone: "phone", acs_user: "ACS user", teams_user: "Teams user", teams_app: "Teams app" });
const SPOKE_MS = 800;

/** @typedef {{raw_id: string, name: string, second: string, since: string, look: string, metered: boolean, word: string}} Voice */

/** Everybody on a call, then the mixed stream if there is one, then we; before that, who calls or is called. @param {looks.Row} row @returns {Voice[]} */
export function voices(row) {
  const mixed = row.streaming.channel_type === "mixed";
  const standing = new Map(looks.legs(row).map((leg) => [leg.raw_id, leg.look]));
  const start = Date.parse(row.connected_at ?? row.created_at);
  const found = row.participants.map((each) => ({
    raw_id: each.raw_id,
    name: each.label,
    second: [each.number && each.label !== each.number ? grouped(row, each) : "", KINDS[each.kind] ?? "participant"].filter(Boolean).join(", "),
    since: `since ${clock((Date.parse(each.joined_at) - start) / 1000)}`,
    look: standing.get(each.raw_id) ?? "off",
    metered: !mixed && !each.left_at,
    word: each.left_at ? "left" : each.on_hold ? "on hold" : each.muted ? "muted" : "",
  }));
  const own = (/** @type {string} */ raw_id, /** @type {string} */ name, /** @type {string} */ second, /** @type {string} */ look) => ({ raw_id, name, second, since: "", look, metered: true, word: "" });
  const inbound = row.direction === "inbound";
  if (row.state !== "connected") return found.length ? found : [{ ...own("", inbound ? "Caller" : "Callee", row.title, "off"), word: inbound ? "waits" : "rings", metered: false }];
  if (mixed) found.push(own("mixed", "Mixed", "everybody in one stream", standing.get("mixed") ?? "off"));
  if (row.streaming.bidirectional) found.push(own("us", "We", "this portal", row.state === "connected" && row.streaming.state === "streaming" ? "quiet" : "off"));
  return found;
}

/** The number as the page groups it already, if it is one of the call's two. @param {looks.Row} row @param {looks.Person} person */
function grouped(row, person) {
  const ends = /** @type {any} */ (row);
  if (person.number === ends.caller) return ends.caller_text;
  return person.number === ends.callee ? ends.callee_text : person.number;
}

export class People {
  /** @param {HTMLElement} page */
  constructor(page) {
    this.page = page;
    this.box = slot(page, "people");
    this.small = slot(page, "small-legs");
    /** @type {Map<string, HTMLElement>} */
    this.persons = new Map();
    /** @type {Map<string, {now: number}>} */
    this.spoke = new Map();
    for (const element of /** @type {NodeListOf<HTMLElement>} */ (this.box.querySelectorAll(".person"))) this.persons.set(element.dataset.person ?? "", element);
    /** @type {Voice[]} */
    this.voices = [];
    this.lost = false;
  }

  /** @param {looks.Row} row */
  paint(row) {
    this.voices = voices(row);
    for (const [raw_id, element] of this.persons)
      if (!this.voices.some((voice) => voice.raw_id === raw_id)) {
        element.remove();
        this.persons.delete(raw_id);
      }
    for (const [at, voice] of this.voices.entries()) {
      let element = this.persons.get(voice.raw_id);
      if (!element) {
        element = copyOf("person-template");
        element.dataset.person = voice.raw_id;
        const meter = /** @type {HTMLElement} */ (element.querySelector("acs-meter"));
        meter.dataset.leg = voice.raw_id;
        this.persons.set(voice.raw_id, element);
      }
      if (this.box.children[at] !== element) this.box.insertBefore(element, this.box.children[at] ?? null);
      this.fill(element, voice);
    }
    write(slot(this.page, "people-count"), String(this.voices.length));
    this.seatSmall();
  }

  /** @param {HTMLElement} element @param {Voice} voice */
  fill(element, voice) {
    write(slot(element, "name"), voice.name);
    if (voice.raw_id !== "us") write(slot(element, "second"), voice.second);
    write(slot(element, "since"), voice.since);
    slot(element, "meter").hidden = !voice.metered;
    const meter = /** @type {import("../widgets/meter.js").AcsMeter} */ (element.querySelector("acs-meter"));
    meter.setAttribute("aria-label", `${voice.name}, level`);
    meter.stand(this.lost ? "off" : voice.look);
    this.state(element, voice);
  }

  /** On a phone the first tab keeps small meters. */
  seatSmall() {
    const metered = this.voices.filter((voice) => voice.metered);
    while (this.small.children.length > metered.length) this.small.lastElementChild?.remove();
    for (const [at, voice] of metered.entries()) {
      let meter = /** @type {import("../widgets/meter.js").AcsMeter|undefined} */ (this.small.children[at]);
      if (meter?.dataset.leg !== voice.raw_id) {
        meter?.remove();
        meter = /** @type {import("../widgets/meter.js").AcsMeter} */ (copyOf("meter-template"));
        meter.dataset.leg = voice.raw_id;
        this.small.insertBefore(meter, this.small.children[at] ?? null);
      }
      write(slot(meter, "label"), looks.short(voice.name));
      meter.setAttribute("aria-label", `${voice.name}, level`);
      meter.stand(this.lost ? "off" : voice.look);
    }
  }

  /** @param {Record<string, import("../widgets/meter.js").Level>} levels @param {looks.Playing|null} playing */
  hear(levels, playing) {
    const now = performance.now();
    for (const meter of /** @type {NodeListOf<import("../widgets/meter.js").AcsMeter>} */ (this.page.querySelectorAll("acs-meter"))) {
      const level = levels[meter.dataset.leg ?? ""];
      if (level) meter.hear(level);
    }
    for (const [raw_id, level] of Object.entries(levels)) if (level.speaking || raw_id === "us") this.spoke.set(raw_id, { now });
    for (const voice of this.voices) {
      const element = this.persons.get(voice.raw_id);
      if (!element) continue;
      this.state(element, voice);
      if (voice.raw_id === "us") this.ours(element, playing);
    }
  }

  /** @param {HTMLElement} element @param {Voice} voice */
  state(element, voice) {
    const speaks = performance.now() - (this.spoke.get(voice.raw_id)?.now ?? -1e9) < SPOKE_MS && voice.look === "quiet";
    const us = voice.raw_id === "us";
    const place = slot(element, "state");
    place.dataset.tone = speaks ? (us ? "us" : "ok") : "off";
    symbol(slot(element, "state-icon"), us ? "speak" : "live");
    write(slot(element, "state-word"), voice.word || (speaks ? "speaking" : voice.look === "off" ? (voice.metered ? "not heard" : "") : us ? "silent" : voice.raw_id === "mixed" ? "quiet" : "listening"));
  }

  /** @param {HTMLElement} element @param {looks.Playing|null} playing */
  ours(element, playing) {
    write(slot(element, "second"), playing ? looks.playingWords(playing) : "this portal");
    write(slot(element, "since"), playing ? (playing.left_ms === null ? "loops" : `${length(playing.left_ms)} left`) : "");
  }

  /** @param {boolean} lost */
  lose(lost) {
    this.lost = lost;
    for (const voice of this.voices) {
      const element = this.persons.get(voice.raw_id);
      if (element) this.fill(element, voice);
    }
    this.seatSmall();
  }
}
