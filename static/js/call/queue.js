// The sounds of a call from asked to heard: what plays, what waits, and for 10 s what is over.

import { icon, make, slot, write } from "../dom.js";
import { length } from "../words.js";

const STAYS_MS = 10_000;
const NO_ANSWER_MS = 3_000;
const KINDS = /** @type {Record<string, string>} */ ({ clip: "Clip ", file: "File " });
/** @typedef {import("./events.js").Injection} Injection */

/** Icon, word and colour of one order's chip. @param {Injection} each @returns {[string, string, string]} */
function chipOf(each) {
  if (each.state === "playing") return ["speak", "Playing", "us"];
  if (each.state === "done") return ["check", "Done", "ok"];
  if (each.state === "stopped") return ["stop", `Stopped at ${length(each.played_ms)}`, "off"];
  if (each.state === "failed") return ["trouble", "Failed", "bad"];
  return each.accepted_at ? ["check", "Accepted", "off"] : ["clock", "Asked", "off"];
}

export class Queue {
  /** @param {HTMLElement} page @param {(text: string) => void} again */
  constructor(page, again) {
    this.page = page;
    this.list = slot(page, "queue");
    this.again = again;
    /** @type {Map<string, Injection>} */
    this.sounds = new Map();
    /** @type {Map<string, number>} */
    this.overAt = new Map();
    /** @type {import("../looks.js").Playing|null} */
    this.playing = null;
    this.drawn = "";
  }

  /** @param {Injection[]} injections from a snapshot: what was over before is not told again */
  restart(injections) {
    this.sounds = new Map(injections.filter((each) => each.state === "queued" || each.state === "playing" || this.overAt.has(each.id)).map((each) => [each.id, each]));
    this.show();
  }

  /** @param {Injection} injection */
  take(injection) {
    this.sounds.set(injection.id, injection);
    if (["done", "stopped", "failed"].includes(injection.state) && !this.overAt.has(injection.id)) this.overAt.set(injection.id, Date.now());
    this.show();
  }

  /** @param {import("../looks.js").Playing|null} playing */
  hear(playing) {
    this.playing = playing;
    const row = playing && /** @type {HTMLElement|null} */ (this.list.querySelector(`[data-sound="${CSS.escape(playing.id)}"]`));
    if (!playing || !row) return;
    write(row.querySelector(".left"), playing.left_ms === null ? "loops" : length(playing.left_ms));
    const bar = row.querySelector("progress");
    if (bar && playing.left_ms !== null) bar.value = (playing.played_ms / Math.max(1, playing.played_ms + playing.left_ms)) * 100;
  }

  tick() {
    for (const [id, at] of this.overAt)
      if (Date.now() - at > STAYS_MS) {
        this.overAt.delete(id);
        this.sounds.delete(id);
      }
    this.show();
  }

  show() {
    const rank = (/** @type {Injection} */ each) => ({ playing: 0, queued: 1 }[each.state] ?? 2);
    const sounds = [...this.sounds.values()].sort((a, b) => rank(a) - rank(b) || Date.parse(a.queued_at) - Date.parse(b.queued_at));
    const late = (/** @type {Injection} */ each) => each.state === "queued" && !each.accepted_at && Date.now() - Date.parse(each.queued_at) > NO_ANSWER_MS;
    const drawn = JSON.stringify(sounds.map((each) => [each.id, each.state, each.accepted_at, each.duration_ms, late(each)]));
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.list.replaceChildren(...sounds.map((each) => this.row(each, late(each))));
    write(slot(this.page, "queue-count"), String(sounds.filter((each) => rank(each) < 2).length));
    this.hear(this.playing);
  }

  /** @param {Injection} each @param {boolean} late */
  row(each, late) {
    const [symbolName, word, tone] = chipOf(each);
    const plays = each.state === "playing";
    const row = make("li", { class: "queued", "data-sound": each.id }, [
      make("span", { class: "chip", "data-tone": tone }, [icon(symbolName), word]),
      make("span", { class: "queued-label", title: each.label }, [KINDS[each.kind] ?? "", each.label]),
      make("span", { class: `digits ${plays ? "left" : "quiet"}` }, [length(each.state === "done" ? each.played_ms : each.duration_ms)]),
    ]);
    if (plays) row.append(make("progress", { class: "bar", max: "100", value: "0", "aria-label": "Played so far" }));
    const words = each.error?.message ?? (late ? "No worker has answered yet. Without an answer it fails after 10 s and is not played later." : "");
    if (words) row.append(make("p", { class: `small tone-${each.error ? "bad" : "wait"}` }, [words]));
    if (each.state === "failed" && each.kind === "text") {
      const button = make("button", { class: "button dense", type: "button" }, ["Speak again"]);
      button.addEventListener("click", () => this.again(each.text));
      row.append(button);
    }
    return row;
  }
}
