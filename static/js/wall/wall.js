// <acs-wall>: every live call, moved by the socket /ws/live/. Rows come and go by themselves and never jump.

import { forbid, slot, write } from "../dom.js";
import { showLink } from "../link.js";
import { LiveSocket } from "../live.js";
import { isLive, phase } from "../looks.js";
import { follow } from "../orders.js";
import { setClock } from "../widgets/marks.js";
import { feedSamples } from "../widgets/sample.js";
import { clock, localTimes, timeOfDay } from "../words.js";
import { WallRow } from "./row.js";
import { slide } from "./slide.js";

const ENDED_KEPT = 5;
const TELL_MS = 250;

class AcsWall extends HTMLElement {
  connectedCallback() {
    /** @type {Map<string, WallRow>} */
    this.rows = new Map();
    this.aheadMs = 0;
    this.lost = false;
    this.wireScreen();
    for (const element of /** @type {NodeListOf<HTMLElement>} */ (this.querySelectorAll(".row"))) this.add(new WallRow(element));
    this.socket = new LiveSocket(this.dataset.socket ?? "");
    this.socket.addEventListener("snapshot", (event) => slide(this, () => this.restart(/** @type {CustomEvent} */ (event).detail)));
    this.socket.addEventListener("call_state", (event) => slide(this, () => this.take(/** @type {CustomEvent} */ (event).detail.row, true)));
    this.socket.addEventListener("levels", (event) => this.hear(/** @type {CustomEvent} */ (event).detail));
    showLink(this.socket, (lost) => this.lose(lost));
    this.socket.open();
    this.wireFilter();
    this.wireDensity();
    feedSamples(/** @type {HTMLElement} */ (this.querySelector(".sample")));
    this.addEventListener("ordered", (event) => this.ordered(/** @type {CustomEvent} */ (event).detail));
    this.ticker = setInterval(() => this.tick(), 1_000);
  }

  disconnectedCallback() {
    clearInterval(this.ticker);
    this.screen?.disconnect();
    this.socket?.leave();
  }

  /** Levels of hundreds of calls are much to send and to paint: the portal is told which rows somebody can see. */
  wireScreen() {
    /** @type {Set<string>} */
    this.seen = new Set();
    this.toldAt = 0;
    this.screen = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) {
          const id = /** @type {HTMLElement} */ (target).dataset.call ?? "";
          if (isIntersecting) this.seen?.add(id);
          else {
            this.seen?.delete(id);
            this.rows?.get(id)?.forget();
          }
        }
        this.tellSeen();
      },
      { rootMargin: "200px" },
    );
  }

  tellSeen() {
    clearTimeout(this.telling);
    const tell = () => {
      this.toldAt = Date.now();
      this.socket?.show([...(this.seen ?? [])]);
    };
    this.telling = setTimeout(tell, Math.max(0, (this.toldAt ?? 0) + TELL_MS - Date.now()));
  }

  /** @param {WallRow} row */
  add(row) {
    this.rows?.set(row.id, row);
    this.screen?.observe(row.element);
    return row;
  }

  /** @param {{at: string, calls: import("../looks.js").Row[], ended: import("../looks.js").Row[], levels: Record<string, any>, health: Record<string, any>}} snapshot */
  restart(snapshot) {
    this.aheadMs = Date.parse(snapshot.at) - Date.now();
    setClock(this.aheadMs);
    const told = new Set(snapshot.calls.map((row) => row.id));
    for (const [id, row] of this.rows)
      if (!told.has(id) && row.element.dataset.phase !== "over") {
        row.element.remove();
        this.rows.delete(id);
      }
    // Oldest first, because each new row enters at the top of its group.
    for (const row of [...snapshot.ended, ...snapshot.calls].sort((a, b) => Date.parse(a.created_at) - Date.parse(b.created_at))) this.take(row, false);
    for (const [id, levels] of Object.entries(snapshot.levels ?? {})) this.rows.get(id)?.hear(levels, null);
    this.health = snapshot.health;
    this.tellSeen();
    this.tick();
  }

  /** @param {import("../looks.js").Row} row @param {boolean} slides */
  take(row, slides) {
    const shown = this.rows.get(row.id) ?? this.add(WallRow.blank(row.id));
    shown.paint(row);
    const name = phase(row) === "over" ? "ended" : row.state === "connected" ? "live" : "ringing";
    const list = this.querySelector(`[data-group="${name}"] .rows`);
    if (list && shown.element.parentElement !== list) {
      list.prepend(shown.element);
      if (slides) {
        shown.element.classList.add("enters");
        shown.element.addEventListener("animationend", (event) => /** @type {Element} */ (event.currentTarget).classList.remove("enters"), { once: true });
      }
      localTimes(shown.element);
    }
    this.trim();
    this.count();
    this.filter();
    shown.tick(Date.now() + this.aheadMs);
  }

  trim() {
    const ended = [...this.querySelectorAll('[data-group="ended"] .row')];
    for (const element of ended.slice(ENDED_KEPT)) {
      this.rows.delete(/** @type {HTMLElement} */ (element).dataset.call ?? "");
      element.remove();
    }
  }

  /** @param {{calls: Record<string, any>, health?: Record<string, any>, playing?: Record<string, any>, lines?: Record<string, any>}} message */
  hear(message) {
    const plays = (/** @type {WallRow} */ { id, playing }) => id in message.calls && Boolean(playing) !== Boolean(message.playing?.[id]);
    // Our own voice has a meter only while we speak, and a row may grow by it.
    if ([...this.rows.values()].some(plays)) slide(this, () => this.spread(message));
    else this.spread(message);
  }

  /** @param {{calls: Record<string, any>, health?: Record<string, any>, playing?: Record<string, any>, lines?: Record<string, any>}} message */
  spread(message) {
    for (const [id, line] of Object.entries(message.lines ?? {})) this.rows.get(id)?.read(line);
    for (const [id, levels] of Object.entries(message.calls)) {
      const row = this.rows.get(id);
      row?.hear(levels, message.playing?.[id] ?? null);
      row?.say();
    }
    if (message.health) this.health = message.health; // once a second
  }

  tick() {
    if (this.lost) return;
    const now = Date.now() + this.aheadMs;
    for (const row of this.rows.values()) {
      row.tick(now);
      row.say();
      row.lag(this.health?.[row.id] ?? null);
    }
    this.count();
  }

  count() {
    const rows = [...this.rows.values()];
    const numbers = { ringing: 0, live: 0, ended: 0 };
    let longest = 0;
    for (const { element, row } of rows) {
      const group = /** @type {HTMLElement|null} */ (element.closest("[data-group]"))?.dataset.group;
      numbers[/** @type {keyof typeof numbers} */ (group)] += 1;
      if (row?.connected_at && isLive(row)) longest = Math.max(longest, Date.now() + this.aheadMs - Date.parse(row.connected_at));
    }
    for (const [name, number] of Object.entries(numbers)) {
      const group = /** @type {HTMLElement} */ (this.querySelector(`[data-group="${name}"]`));
      group.hidden = number === 0;
      write(slot(group, "count"), String(number));
    }
    const none = numbers.live + numbers.ringing === 0;
    this.dataset.empty = none ? "yes" : "no";
    const said = none ? "no call at the moment" : `${numbers.live} live, ${numbers.ringing} ringing${longest ? `, longest ${clock(longest / 1000)}` : ""}`;
    if (!this.lost) write(slot(this, "summary"), said);
    for (const place of document.querySelectorAll("[data-live-count]")) write(place, String(numbers.live + numbers.ringing));
  }

  /** @param {boolean} lost */
  lose(lost) {
    this.lost = lost;
    this.dataset.link = lost ? "lost" : "connected";
    for (const row of this.rows.values()) row.lose(lost);
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (this.querySelectorAll("[data-verb=place]")))
      forbid(button, lost ? "There is no connection to the portal." : "");
    if (lost) write(slot(this, "summary"), `as of ${timeOfDay(new Date(this.socket?.toldAt ?? Date.now()))}`);
    else this.tick();
  }

  wireFilter() {
    this.field = /** @type {HTMLInputElement|null} */ (this.querySelector("[data-filter]"));
    this.field?.addEventListener("input", () => this.filter());
  }

  /** Digits match numbers however they are grouped; words match policies and names. */
  filter() {
    const wanted = (this.field?.value ?? "").trim().toLowerCase();
    const digits = wanted.replace(/[\s+()-]/g, "");
    let found = 0;
    for (const { element } of this.rows.values()) {
      const words = (element.dataset.words ?? "").toLowerCase();
      const fits = !wanted || words.includes(wanted) || (/^\d+$/.test(digits) && words.replace(/\s/g, "").includes(digits));
      element.hidden = !fits;
      found += fits ? 1 : 0;
    }
    slot(this, "nothing").hidden = found > 0 || this.rows.size === 0;
  }

  wireDensity() {
    const buttons = /** @type {NodeListOf<HTMLElement>} */ (this.querySelectorAll("[data-density]"));
    const choose = (/** @type {string} */ density) => {
      this.dataset.rows = density;
      for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.density === density));
    };
    for (const button of buttons)
      button.addEventListener("click", () => {
        choose(button.dataset.density ?? "roomy");
        try {
          localStorage.setItem("density", button.dataset.density ?? "");
        } catch {
          // Not kept: storage is forbidden here.
        }
      });
    try {
      choose(localStorage.getItem("density") === "compact" ? "compact" : "roomy");
    } catch {
      choose("roomy");
    }
  }

  /** @param {{answer: any}} detail */
  ordered({ answer }) {
    follow(answer);
  }
}

customElements.define("acs-wall", AcsWall);
