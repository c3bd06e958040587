// <acs-player>: a call to look at and listen to, live or afterwards. Lanes, one scrubber, transcript beside it, keys.

import { icon, make, slot, symbol, write } from "../dom.js";
import { toast } from "../widgets/toast.js";
import { clock, offset } from "../words.js";
import { Follow } from "./follow.js";
import { Lane } from "./lane.js";
import { Tape } from "./tape.js";
import { Whole } from "./whole.js";

const STEPS_S = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
const MARK_PX = 22;
const CLOSEST_S = 4;
const RATES = ["0.8", "1", "1.5", "2"];
const AGAIN_MS = 5_000;
const COARSE = matchMedia("(pointer: coarse)");

class AcsPlayer extends HTMLElement {
  connectedCallback() {
    this.facts = JSON.parse(document.getElementById(this.dataset.facts ?? "")?.textContent ?? "null");
    if (!this.facts) return;
    this.body = slot(this, "lanes");
    this.ruler = slot(this, "ruler");
    this.head = slot(this, "head");
    this.marks = slot(this, "marks");
    this.muted = new Set();
    this.solo = "";
    this.follow = new Follow(document, (at) => this.go(at));
    this.whole = new Whole(slot(this, "whole"), (at) => this.go(at));
    this.take();
    this.listen();
    const asked = Number(new URLSearchParams(location.search).get("t"));
    if (asked > 0) this.go(asked);
    if (this.facts.live || this.facts.unfinished) this.again = setInterval(() => this.refresh(), AGAIN_MS);
  }

  disconnectedCallback() {
    clearInterval(this.again);
    this.sizes?.disconnect();
    this.tape?.pause();
    for (const lane of this.lanes ?? []) lane.destroy();
  }

  /** Makes the lanes and the tape of what is known of the call now. */
  take() {
    const { lanes, regions, marks } = this.facts;
    const ends = lanes.flatMap((/** @type {any} */ lane) => lane.tracks.map((/** @type {any} */ track) => track.offset_s + track.duration_s));
    this.duration = Math.max(1, this.facts.duration_s, ...ends);
    const at = this.tape?.at ?? 0;
    this.tape?.pause();
    this.tape = new Tape(lanes, this.duration);
    this.tape.at = Math.min(at, this.duration);
    this.tape.talk = union(lanes.flatMap((/** @type {any} */ lane) => lane.talk));
    this.tape.addEventListener("moved", () => this.moved());
    for (const lane of this.lanes ?? []) lane.destroy();
    this.lanes = lanes.map((/** @type {any} */ facts) => new Lane(facts, regions.filter((/** @type {any} */ each) => each.lane === facts.raw_id || (each.lane === "" && facts.raw_id !== "us")), (at) => this.go(at)));
    this.seat();
    this.whole?.tell(this.duration, regions, marks);
    this.classList.toggle("silent", !this.tape.hasSound);
    write(slot(this, "whole-time"), clock(this.duration));
    write(slot(this, "no-sound"), this.tape.hasSound ? "" : this.why());
    if (this.from === undefined || this.until === undefined || this.until > this.duration) [this.from, this.until] = [0, this.duration];
    this.view(this.from, this.until);
  }

  why() {
    if (this.facts.unfinished) return "The recording is being finished; it can be played in a moment.";
    return this.facts.live ? "Sound can be played when its recording is finished." : "Nothing of this call can be played: it was not recorded, its recording was deleted, or you may not hear it.";
  }

  /** Names and buttons of the lanes, left of them. */
  seat() {
    const total = this.facts.lanes.reduce((/** @type {number} */ sum, /** @type {any} */ lane) => sum + talked(lane), 0) || 1;
    const rows = (this.lanes ?? []).map((lane) => {
      const { raw_id, label, talk, tracks } = lane.facts;
      const share = talk.length ? `${Math.round((talked(lane.facts) / total) * 100)} %, ${clock(talked(lane.facts))}` : "silent";
      const name = make("div", { class: "player-name" }, [make("strong", {}, [label]), make("span", { class: "small quiet digits" }, [share])]);
      if (tracks.length) name.append(make("span", { class: "player-hears" }, [this.toggle("solo", raw_id, "S", `Hear ${label} alone`), this.toggle("mute", raw_id, "M", `Mute ${label}`)]));
      return make("div", { class: "player-lane", role: "group", "aria-label": label }, [name, lane.wave]);
    });
    this.body?.replaceChildren(...rows);
  }

  /** @param {string} does @param {string} lane @param {string} letter @param {string} words */
  toggle(does, lane, letter, words) {
    const button = make("button", { type: "button", class: "button dense", "data-does": does, "data-lane": lane, "aria-pressed": "false", title: words }, [make("span", { "aria-hidden": "true" }, [letter]), make("span", { class: "unseen" }, [words])]);
    return button;
  }

  listen() {
    this.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? /** @type {HTMLElement|null} */ (event.target.closest("[data-does]")) : null;
      if (button) this.act(button.dataset.does ?? "", button);
    });
    this.addEventListener("change", (event) => {
      if (event.target instanceof HTMLInputElement && event.target.name === "rate") this.tape?.speed(Number(event.target.value));
    });
    slot(this, "find")?.addEventListener("input", (event) => this.find(/** @type {HTMLInputElement} */ (event.target).value));
    const area = slot(this, "area");
    const there = (/** @type {PointerEvent|WheelEvent} */ event) => {
      const box = this.ruler.getBoundingClientRect();
      return this.from + ((event.clientX - box.left) / box.width) * (this.until - this.from);
    };
    area.addEventListener("pointerdown", (event) => {
      if (event.target instanceof Element && event.target.closest("button, a, .player-name")) return;
      this.go(there(event));
    });
    area.addEventListener("wheel", (event) => event.ctrlKey && (event.preventDefault(), this.zoom(event.deltaY < 0 ? 0.5 : 2, there(event))), { passive: false });
    document.addEventListener("keydown", (event) => this.key(event));
    this.sizes = new ResizeObserver(() => this.resized());
    this.sizes.observe(area);
    const redraw = () => this.view(this.from, this.until);
    addEventListener("themechange", redraw);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const target = event.target instanceof Element ? event.target : document.body;
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest("input, textarea, select, dialog[open], [contenteditable]")) return;
    if (event.key === " " && target.closest("button, a, summary")) return;
    const does = /** @type {Record<string, string>} */ ({ " ": "play", ArrowLeft: "back", ArrowRight: "forward", "+": "closer", "-": "further", "<": "slower", ">": "faster", Home: "start" })[event.key];
    if (!does || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    this.act(does, this, event.shiftKey);
  }

  /** @param {string} does @param {HTMLElement} button @param {boolean} [little] */
  act(does, button, little = false) {
    const tape = this.tape;
    if (!tape) return;
    const step = little ? 1 : 10;
    if (does === "play") tape.playing ? tape.pause() : tape.hasSound ? tape.play() : toast(this.why());
    else if (does === "back") this.go(tape.at - step);
    else if (does === "forward") this.go(tape.at + step);
    else if (does === "start") this.go(0);
    else if (does === "closer") this.zoom(0.5);
    else if (does === "further") this.zoom(2);
    else if (does === "slower" || does === "faster") this.rate(does === "faster" ? 1 : -1);
    else if (does === "skip") button.setAttribute("aria-pressed", String((tape.skips = !tape.skips)));
    else if (does === "link") this.copy();
    else if (does === "solo") this.hear(button.dataset.lane ?? "", "solo");
    else if (does === "mute") this.hear(button.dataset.lane ?? "", "mute");
    else if (does === "mark") this.go(Number(button.dataset.at));
  }

  /** @param {number} step */
  rate(step) {
    const boxes = /** @type {HTMLInputElement[]} */ ([...this.querySelectorAll("[name=rate]")]);
    const now = RATES.indexOf(boxes.find((box) => box.checked)?.value ?? "1");
    const wanted = boxes[Math.min(RATES.length - 1, Math.max(0, now + step))];
    wanted.checked = true;
    this.tape?.speed(Number(wanted.value));
  }

  /** @param {string} lane @param {"solo"|"mute"} how */
  hear(lane, how) {
    if (how === "solo") this.solo = this.solo === lane ? "" : lane;
    else if (this.muted.has(lane)) this.muted.delete(lane);
    else this.muted.add(lane);
    const heard = (/** @type {string} */ each) => (this.solo ? each === this.solo : !this.muted.has(each));
    this.tape?.hear(heard);
    for (const button of /** @type {Iterable<HTMLElement>} */ (this.querySelectorAll("[data-lane]"))) {
      const each = button.dataset.lane ?? "";
      button.setAttribute("aria-pressed", String(button.dataset.does === "solo" ? this.solo === each : this.muted.has(each)));
    }
    for (const each of this.lanes ?? []) each.wave.classList.toggle("unheard", !heard(each.facts.raw_id));
  }

  copy() {
    const address = new URL(location.href);
    address.search = `?t=${this.tape?.at.toFixed(1)}`;
    address.hash = "";
    navigator.clipboard?.writeText(address.href).then(() => toast("Link copied."), () => toast("The browser did not allow copying.", "bad"));
  }

  /** @param {string} words */
  find(words) {
    const found = this.follow?.find(words) ?? 0;
    write(slot(this, "found"), words.trim() ? `${found} turn${found === 1 ? "" : "s"}` : "");
  }

  /** @param {number} at */
  go(at) {
    this.tape?.seek(at);
    if (this.tape && (this.tape.at < this.from || this.tape.at > this.until)) this.centre(this.tape.at);
  }

  /** @param {number} factor @param {number} [about] */
  zoom(factor, about = this.tape?.at ?? 0) {
    const span = Math.min(this.duration, Math.max(CLOSEST_S, (this.until - this.from) * factor));
    const share = (Math.min(this.until, Math.max(this.from, about)) - this.from) / (this.until - this.from || 1);
    const from = Math.min(Math.max(0, about - span * share), this.duration - span);
    this.view(from, from + span);
  }

  /** @param {number} at */
  centre(at) {
    const span = this.until - this.from;
    const from = Math.min(Math.max(0, at - span / 4), this.duration - span);
    this.view(from, from + span);
  }

  /** Shows the call from one second to another. @param {number} from @param {number} until */
  view(from, until) {
    [this.from, this.until] = [from, until];
    this.scale();
    for (const lane of this.lanes ?? []) lane.show(from, until, this.dataset.nonce ?? "");
    this.moved();
  }

  /** Ruler, lines and marks of what is seen. */
  scale() {
    const width = this.ruler.clientWidth || 800;
    this.width = width;
    const span = this.until - this.from;
    const step = STEPS_S.find((each) => (each / span) * width >= 64) ?? 7200;
    const ticks = [];
    for (let at = Math.ceil(this.from / step) * step; at <= this.until + 0.001; at += step) ticks.push(this.put(make("span", { class: "player-tick" }, [step < 1 ? offset(at) : clock(at)]), at));
    this.ruler.replaceChildren(...ticks);
    const seen = this.facts.marks.filter((/** @type {any} */ mark) => mark.at_s >= this.from - span * 0.01 && mark.at_s <= this.until + span * 0.01);
    const places = apart(seen.map((/** @type {any} */ mark) => ((mark.at_s - this.from) / span) * width), width);
    const shown = [];
    for (const [number, x] of places.entries()) {
      const mark = seen[number];
      const words = `${offset(mark.at_s)} ${mark.text}`;
      // Too small for a thumb; on a phone the list of what happened stands below.
      const element = COARSE.matches
        ? make("span", { class: `player-mark tone-${mark.tone}`, "aria-hidden": "true" }, [icon(mark.icon)])
        : make("button", { type: "button", class: `player-mark tone-${mark.tone}`, "data-does": "mark", "data-at": String(mark.at_s), title: words, "aria-label": words }, [icon(mark.icon)]);
      element.style.left = `${x}px`;
      shown.push(element);
    }
    this.marks.replaceChildren(...shown);
  }

  /** @param {HTMLElement} element @param {number} at */
  put(element, at) {
    element.style.left = `${((at - this.from) / (this.until - this.from)) * 100}%`;
    return element;
  }

  resized() {
    if (Math.abs((this.width ?? 0) - this.ruler.clientWidth) > 4) this.scale();
  }

  /** The tape is somewhere else, or plays, or has stopped. */
  moved() {
    const tape = this.tape;
    if (!tape) return;
    if (tape.playing && (tape.at > this.until || tape.at < this.from)) return this.centre(tape.at);
    const seen = tape.at >= this.from - 0.01 && tape.at <= this.until + 0.01;
    this.head.hidden = !seen;
    this.put(this.head, tape.at);
    write(slot(this, "head-time"), offset(tape.at));
    write(slot(this, "time"), offset(tape.at));
    write(slot(this, "link-time"), clock(tape.at));
    const button = slot(this, "play");
    symbol(button.querySelector("use"), tape.playing ? "pause" : "play");
    button.setAttribute("aria-label", tape.playing ? "Pause" : "Play");
    for (const lane of this.lanes ?? []) lane.reach(tape.at);
    this.whole?.move(tape.at, this.from, this.until);
    this.follow?.reach(tape.at, tape.playing);
    if (tape.failed) {
      toast(tape.failed, "bad");
      tape.failed = "";
    }
  }

  /** While the call lives or its recording is finished, what is known of it grows. */
  async refresh() {
    if (document.hidden || this.tape?.playing) return;
    const answer = await fetch(this.dataset.url ?? "", { credentials: "same-origin", headers: { Accept: "application/json" } }).catch(() => null);
    if (!answer?.ok) return;
    const whole = this.until >= this.duration - 0.01;
    this.facts = await answer.json();
    if (whole) this.until = Infinity;
    this.take();
    if (!this.facts.live && !this.facts.unfinished) clearInterval(this.again);
  }
}

/** Marks pushed apart, so that none covers another while there is room. @param {number[]} places @param {number} width */
function apart(places, width) {
  const room = Math.min(MARK_PX, width / Math.max(1, places.length));
  const found = [...places];
  for (let at = 1; at < found.length; at++) found[at] = Math.max(found[at], found[at - 1] + room);
  for (let at = found.length - 1, edge = width; at >= 0; at--, edge -= room) found[at] = Math.max(0, Math.min(found[at], edge));
  return found;
}

/** @param {{talk: [number, number][]}} lane */
const talked = (lane) => lane.talk.reduce((sum, [from, until]) => sum + until - from, 0);

/** @param {[number, number][]} spans @returns {[number, number][]} */
function union(spans) {
  /** @type {[number, number][]} */
  const found = [];
  for (const [from, until] of [...spans].sort((one, other) => one[0] - other[0])) {
    const last = found.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], until);
    else found.push([from, until]);
  }
  return found;
}

customElements.define("acs-player", AcsPlayer);
