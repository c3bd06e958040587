// What is said, as it is said: one bubble a turn, replaced in place, in the order of their beginnings. Markup: templates/widgets/turn.html.

import { copyOf, forbid, slot, write } from "../dom.js";
import { clock } from "../words.js";

const MOST = 400;
const NEAR_PX = 48;

/**
 * @typedef {{id: string, seq: number, kind: string, raw_id: string, label: string, side: string, start_s: number, end_s: number, text: string,
 *   final: boolean, language: string, corrected: boolean, corrected_by: string}} Segment
 * @typedef {{id: string, kind: string, us: boolean, side: string, label: string, start_s: number, end_s: number, text: string, final: boolean,
 *   language: string, note: string, seq: number}} Turn
 * @typedef {{start_s: number, seq: number, element: HTMLElement}} Place
 */

/** @param {Segment} segment @returns {Turn} */
const turnOf = (segment) => ({
  ...segment,
  us: segment.raw_id === "us",
  note: segment.corrected ? `corrected by ${segment.corrected_by}` : segment.final || segment.kind === "gap" ? "" : "still speaking",
});

export class Transcript {
  /** @param {HTMLElement} page */
  constructor(page) {
    this.page = page;
    this.panel = slot(page, "transcript");
    this.list = slot(page, "turns");
    this.button = slot(page, "follow");
    /** @type {Place[]} */
    this.places = [];
    this.start = 0;
    this.follows = true;
    this.lost = false;
    /** @type {import("../looks.js").Row|null} */
    this.row = null;
    this.adopt();
    this.wireFollowing();
  }

  /** What the portal has drawn already is moved on, not drawn again. */
  adopt() {
    for (const element of /** @type {NodeListOf<HTMLElement>} */ (this.list.querySelectorAll("[data-turn]")))
      this.places.push({ start_s: Number(element.dataset.start), seq: 0, element });
  }

  wireFollowing() {
    this.button.addEventListener("click", () => this.follow(this.button.getAttribute("aria-pressed") !== "true"));
    const look = () => {
      if (!this.list.offsetParent) return;
      const { scrollHeight, scrollTop, clientHeight } = this.box();
      this.show(scrollHeight - scrollTop - clientHeight < NEAR_PX);
    };
    this.list.addEventListener("scroll", look, { passive: true });
    addEventListener("scroll", look, { passive: true });
    new ResizeObserver(() => this.catchUp()).observe(this.list);
    this.catchUp();
  }

  /** On a phone the page itself scrolls. */
  box() {
    const scrolls = getComputedStyle(this.list).overflowY === "auto";
    return scrolls ? this.list : /** @type {HTMLElement} */ (document.scrollingElement);
  }

  /** @param {boolean} follows */
  follow(follows) {
    this.show(follows);
    this.catchUp();
  }

  /** @param {boolean} follows */
  show(follows) {
    this.follows = follows;
    this.button.setAttribute("aria-pressed", String(follows));
    write(this.button.querySelector("span"), follows ? "Following" : "Newest");
  }

  catchUp() {
    if (!this.follows || !this.list.offsetParent) return;
    const box = this.box();
    box.scrollTop = box.scrollHeight;
  }

  /** @param {Segment[]} segments @param {import("./events.js").Injection[]} injections @param {number} start ms, second 0 of the call */
  restart(segments, injections, start) {
    this.start = start;
    const told = new Set([...segments, ...injections].map((each) => each.id));
    const oldest = segments[0]?.start_s ?? Infinity;
    for (const place of this.places.filter((each) => each.start_s >= oldest && !told.has(each.element.dataset.turn ?? ""))) this.drop(place);
    for (const segment of segments) this.put(turnOf(segment));
    for (const injection of injections) this.sound(injection);
  }

  /** @param {Segment} segment */
  take(segment) {
    const turn = turnOf(segment);
    this.put(turn);
    if (turn.final && turn.kind === "speech" && turn.text) write(slot(this.page, "aloud"), `${turn.label}: ${turn.text}`);
  }

  /** What we say is known before anybody recognises it. @param {import("./events.js").Injection} each */
  sound(each) {
    if (each.kind !== "text" || !each.started_at) return;
    const start_s = (Date.parse(each.started_at) - this.start) / 1000;
    const long_s = (each.played_ms || each.duration_ms || 0) / 1000;
    const stopped = each.state === "stopped" || each.state === "failed";
    this.put({
      id: each.id,
      kind: "speech",
      us: true,
      side: "ours",
      label: "We speak",
      start_s,
      end_s: start_s + long_s,
      text: each.text,
      final: each.state !== "playing",
      language: "",
      note: `text, asked by ${each.asked_by}${stopped ? `, stopped after ${long_s.toFixed(1)} s` : ""}`,
      seq: 0,
    });
  }

  /** @param {Turn} turn */
  put(turn) {
    const before = this.places.find((each) => each.element.dataset.turn === turn.id);
    if (!turn.text) {
      if (before) this.drop(before);
      return;
    }
    const element = before?.element ?? copyOf(turn.kind === "gap" ? "gap-template" : "turn-template");
    const moves = !before || before.start_s !== turn.start_s;
    element.dataset.turn = turn.id;
    element.dataset.kind = turn.kind;
    element.dataset.side = turn.side;
    element.dataset.start = String(turn.start_s);
    element.dataset.end = String(turn.end_s);
    element.toggleAttribute("data-us", turn.us);
    element.toggleAttribute("data-open", !turn.final);
    const text = slot(element, "text");
    write(text, turn.text);
    write(slot(element, "at"), clock(turn.start_s));
    if (turn.kind !== "gap") {
      write(slot(element, "who"), turn.label);
      write(slot(element, "note"), turn.note);
      if (turn.language) text.lang = turn.language;
    }
    if (moves) this.seat({ start_s: turn.start_s, seq: before?.seq || turn.seq, element });
    this.trim();
    this.catchUp();
  }

  /** By its beginning, then by its number; most are the newest, so the search begins at the end. @param {Place} place */
  seat(place) {
    this.places = this.places.filter((each) => each.element !== place.element);
    let at = this.places.length;
    const later = (/** @type {Place} */ each) => each.start_s > place.start_s || (each.start_s === place.start_s && each.seq > place.seq);
    while (at > 0 && later(this.places[at - 1])) at -= 1;
    this.places.splice(at, 0, place);
    this.list.insertBefore(place.element, this.places[at + 1]?.element ?? null);
  }

  /** @param {Place} place */
  drop(place) {
    place.element.remove();
    this.places = this.places.filter((each) => each !== place);
  }

  /** Who reads older turns keeps them. */
  trim() {
    while (this.follows && this.places.length > MOST) this.drop(this.places[0]);
  }

  /** @param {import("../looks.js").Row} row */
  paint(row) {
    this.row = row;
    const { transcript } = row;
    this.panel.dataset.state = transcript.state;
    const source = slot(this.panel, "source");
    write(source, sourceWords(transcript));
    source.title = transcript.note;
    const trouble = slot(this.panel, "trouble");
    trouble.hidden = !transcript.error;
    trouble.dataset.tone = transcript.state === "failed" ? "bad" : "wait";
    write(trouble.querySelector("span"), transcript.error);
    write(slot(this.panel, "turns-empty"), nothingSaid(transcript));
    const honest = this.panel.querySelector("[data-slot=honest]");
    write(honest, transcript.note);
    const language = /** @type {HTMLInputElement|null} */ (this.panel.querySelector("[data-slot=language]"));
    if (language && language !== document.activeElement) language.value = transcript.language;
    this.allow();
  }

  /** @param {boolean} lost */
  lose(lost) {
    this.lost = lost;
    this.allow();
  }

  allow() {
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (this.panel.querySelectorAll("[data-verb]")))
      forbid(button, this.lost ? "There is no connection to the portal." : (this.row?.may[button.dataset.verb ?? ""] ?? ""));
  }
}

/** Whose words these are; the same as calls/views/said.py. @param {import("../looks.js").Transcript} transcript */
export function sourceWords(transcript) {
  if (!transcript.title) return "";
  const words = `${transcript.title}, ${transcript.language}`;
  return transcript.state === "starting" ? `${words}, starts` : transcript.state === "off" ? `${words}, off` : words;
}

/** @param {import("../looks.js").Transcript} transcript */
export function nothingSaid(transcript) {
  if (transcript.state === "on") return "Nobody has said anything yet.";
  if (transcript.state === "starting") return "The recogniser gets ready.";
  return "Nothing is written down. Start the transcript to read what is said.";
}
