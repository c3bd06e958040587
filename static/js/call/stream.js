// The newest media socket of a call: what it agreed on, what it counted, and its health second by second.

import { make, slot, symbol, write } from "../dom.js";
import { STALLED_MS } from "../looks.js";
import { clock, count, khz } from "../words.js";

const MARKS = 60;
const SLOW_MS = 100;

/**
 * @typedef {{id: string, number: number, state: string, sample_rate_hz: number|null, channel_type: string, bidirectional: boolean,
 *   encoding: string, channels: number|null, frame_length: number|null, opened_at: string, closed_at: string|null, close_reason: string,
 *   frames_received: number, frames_sent: number, gaps: number, lost_ms: number, lag_ms: number, malformed: number, wrong_size: number}} Stream
 * @typedef {{frames_received: number, frames_sent: number, lag_ms: number, frame_age_ms: number, lost_ms: number, gaps: number, malformed: number}} Health
 */

export class StreamPanel {
  /** @param {HTMLElement} page */
  constructor(page) {
    this.page = page;
    this.panel = slot(page, "stream-panel");
    this.strip = slot(page, "strip");
    for (let mark = 0; mark < MARKS; mark += 1) this.strip.append(make("i", { "data-tone": "none" }));
    /** @type {Map<string, Stream>} */
    this.streams = new Map();
    /** @type {Health|null} */
    this.health = null;
    this.heardAt = 0;
    this.worstLag = 0;
    /** What was lost up to the last mark; null before the first word, so that old losses are no news. @type {number|null} */
    this.lostBefore = null;
    this.news = "";
    this.start = 0;
  }

  /** @param {Stream[]} streams @param {string} error why streaming failed @param {string|null} connected_at */
  paint(streams, error, connected_at) {
    for (const stream of streams) this.streams.set(stream.id, stream);
    this.start = Date.parse(connected_at ?? "") || this.start;
    const none = slot(this.page, "stream-none");
    none.hidden = this.streams.size > 0;
    if (error) write(none, error);
    this.show();
  }

  get newest() {
    return [...this.streams.values()].sort((a, b) => b.number - a.number)[0];
  }

  show() {
    const stream = this.newest;
    if (!stream) return;
    const open = stream.state === "open";
    const stalled = open && (this.health?.frame_age_ms ?? 0) >= STALLED_MS;
    const slow = open && this.worstLag >= SLOW_MS;
    write(slot(this.page, "stream-name"), `Stream ${stream.number}`);
    slot(this.page, "stream-state").dataset.tone = stalled ? "bad" : open ? (slow ? "wait" : "ok") : stream.state === "lost" ? "bad" : "off";
    write(slot(this.page, "stream-word"), stalled ? "No sound" : open ? (slow ? "Late" : "Healthy") : stream.state === "lost" ? "Lost" : "Closed");
    symbol(slot(this.page, "stream-icon"), stalled ? "warning" : open ? (slow ? "warning" : "check") : stream.state === "lost" ? "trouble" : "no-stream");
    write(slot(this.page, "stream-since"), stream.closed_at ? `closed at ${this.at(stream.closed_at)}` : `open since ${this.at(stream.opened_at)}`);
    this.facts(stream);
    this.earlier();
  }

  /** @param {string} moment on the call's clock */
  at(moment) {
    return clock((Date.parse(moment) - (this.start || Date.parse(moment))) / 1000);
  }

  /** @param {Stream} stream */
  facts(stream) {
    const now = stream.state === "open" && this.health ? { ...stream, ...this.health } : stream;
    const odd = now.gaps + now.malformed + stream.wrong_size;
    /** @type {[string, string][]} */
    const rows = [
      ["Format", `${khz(stream.sample_rate_hz)} ${stream.channel_type}, ${stream.bidirectional ? "both ways" : "one way"}`],
      ["Codec", `${stream.encoding || "PCM"} 16 bit${stream.channels === 1 ? ", mono" : ""}${stream.frame_length ? `, ${stream.frame_length} bytes a frame` : ""}`],
      ["Received", `${count(now.frames_received)} frames, ${now.lost_ms ? `${count(now.lost_ms)} ms` : "0"} lost`],
      ["Sent", `${count(now.frames_sent)} frames`],
      ["Lag", `${now.lag_ms} ms`],
    ];
    if (odd) rows.push(["Not as agreed", `${now.gaps} gaps, ${now.malformed} malformed, ${stream.wrong_size} of wrong size`]);
    const list = slot(this.page, "stream-facts");
    if (list.children.length !== rows.length) list.replaceChildren(...rows.map(() => make("div", {}, [make("dt"), make("dd")])));
    for (const [at, [name, value]] of rows.entries()) {
      write(list.children[at].children[0], name);
      write(list.children[at].children[1], value);
    }
  }

  earlier() {
    const before = [...this.streams.values()].sort((a, b) => a.number - b.number).slice(0, -1);
    slot(this.page, "earlier").hidden = before.length === 0;
    slot(this.page, "earlier-list").replaceChildren(
      ...before.map((each) =>
        make("li", {}, [make("strong", {}, [`Stream ${each.number}`]), ` ${each.state}, ${khz(each.sample_rate_hz)} ${each.channel_type}, ${count(each.frames_received)} frames, ${each.lost_ms} ms lost${each.close_reason ? `. ${each.close_reason}` : ""}`]),
      ),
    );
  }

  /** The minute before this page was opened. @param {string[]} marks oldest first */
  remember(marks) {
    const told = [...Array(MARKS).fill("none"), ...marks].slice(-MARKS);
    for (const [at, tone] of told.entries()) /** @type {HTMLElement} */ (this.strip.children[at]).dataset.tone = tone;
    if (marks.includes("bad")) this.news ||= "Sound was lost in the last minute.";
    else if (marks.includes("wait")) this.news ||= "Frames came late in the last minute.";
  }

  /** @param {Health|null} health */
  hear(health) {
    if (!health) return;
    this.health = health;
    this.lostBefore ??= health.lost_ms;
    this.heardAt = performance.now();
    this.worstLag = Math.max(this.worstLag, health.lag_ms);
  }

  /** One mark a second. @param {number} passed_s seconds of the call */
  tick(passed_s) {
    const fresh = performance.now() - this.heardAt < 1_500 && this.newest?.state === "open";
    const lost = this.health ? this.health.lost_ms - (this.lostBefore ?? 0) : 0;
    const still = fresh ? (this.health?.frame_age_ms ?? 0) : 0;
    const tone = !fresh ? "none" : lost > 0 || still >= STALLED_MS ? "bad" : this.worstLag >= SLOW_MS ? "wait" : "well";
    if (lost > 0 && tone === "bad") this.news = `${count(lost)} ms lost at ${clock(passed_s)}`;
    else if (tone === "bad") this.news = `No sound since ${clock(Math.max(0, passed_s - still / 1000))}, ${Math.round(still / 1000)} s ago.`;
    if (tone === "wait") this.news = `Lag rose to ${this.worstLag} ms at ${clock(passed_s)}`;
    this.strip.append(make("i", { "data-tone": tone }));
    this.strip.firstElementChild?.remove();
    write(slot(this.page, "strip-words"), this.news || (fresh ? "Nothing late and nothing lost in the last minute." : "No frames at the moment."));
    this.strip.setAttribute("aria-label", `Health of the last minute. ${this.news || "Well."}`);
    if (![...this.strip.children].some((mark) => ["bad", "wait"].includes(/** @type {HTMLElement} */ (mark).dataset.tone ?? ""))) this.news = "";
    this.lostBefore = this.health?.lost_ms ?? null;
    this.show();
    this.worstLag = 0;
  }
}
