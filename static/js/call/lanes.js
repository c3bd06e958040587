// <acs-lanes>: the level of each voice over the last minute, drawn by uPlot, all on one time axis.

import uPlot from "../../vendor/uplot/uPlot.esm.js";
import { make, write } from "../dom.js";
import { short } from "../looks.js";

const POINTS = 600;
const PERIOD_MS = 100;
const FRESH_MS = 400;
const LINES_DBFS = [-40, -20, -6];
const TIMES_S = [-60, -45, -30, -15, 0];
/** Few lanes are tall, many still fit. @param {number} lanes */
const heightFor = (lanes) => (lanes < 3 ? 72 : lanes === 3 ? 60 : 44);
const SECONDS = Float64Array.from({ length: POINTS }, (_, at) => (at - POINTS + 1) * (PERIOD_MS / 1000));

/** A token's colour as a canvas understands it. @param {HTMLElement} place @param {string} token */
function colour(place, token) {
  const before = place.style.color;
  place.style.color = `var(${token})`;
  const found = getComputedStyle(place).color;
  place.style.color = before;
  return found;
}

class AcsLanes extends HTMLElement {
  connectedCallback() {
    /** @type {Map<string, {name: string, track: (number|null)[], level: number|null, at: number, plot: uPlot, box: HTMLElement}>} */
    this.lanes = new Map();
    this.axis = make("div", { class: "lane-axis", "aria-hidden": "true" }, ["−60 s", "−45 s", "−30 s", "−15 s", "now"].map((text) => make("span", {}, [text])));
    this.sampler = setInterval(() => this.sample(), PERIOD_MS);
    this.sizes = new ResizeObserver(() => this.fit());
    this.sizes.observe(this);
    this.recolour = () => this.rebuild();
    addEventListener("themechange", this.recolour);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", this.recolour);
  }

  disconnectedCallback() {
    clearInterval(this.sampler);
    this.sizes?.disconnect();
    removeEventListener("themechange", this.recolour);
  }

  /** Which voices have a lane. @param {{raw_id: string, name: string, metered: boolean, look: string}[]} voices */
  seat(voices) {
    const wanted = voices.filter((voice) => voice.metered);
    this.height = heightFor(wanted.length);
    this.style.setProperty("--lane", `${this.height}px`);
    const known = [...this.lanes.keys()].join(" ");
    if (known === wanted.map((voice) => voice.raw_id).join(" ")) {
      for (const voice of wanted) write(this.lanes.get(voice.raw_id)?.box.firstElementChild ?? null, short(voice.name));
      return;
    }
    const before = this.lanes;
    this.lanes = new Map();
    for (const lane of before.values()) lane.plot.destroy();
    this.replaceChildren();
    for (const { raw_id, name } of wanted) {
      const old = before.get(raw_id);
      this.add(raw_id, name, old?.track ?? Array(POINTS).fill(null));
    }
    if (wanted.length) this.append(this.axis);
  }

  /** @param {string} raw_id @param {string} name @param {(number|null)[]} track */
  add(raw_id, name, track) {
    const place = make("div", { class: "lane-plot" });
    const box = make("div", { class: "lane", role: "img", "aria-label": `${name}, level of the last minute` }, [make("span", {}, [short(name)]), place]);
    this.append(box);
    const us = raw_id === "us";
    const line = colour(this, "--line");
    const none = { show: false };
    const plot = new uPlot(
      {
        width: Math.max(60, place.clientWidth),
        height: this.height ?? 44,
        padding: [0, 0, 0, 0],
        legend: none,
        cursor: none,
        select: /** @type {any} */ (none),
        scales: { x: { time: false, range: [-60, 0] }, y: { range: [-62, 0] } },
        axes: [
          { size: 0, ticks: none, values: () => [], splits: () => TIMES_S, grid: { stroke: line, width: 1 } },
          { size: 0, ticks: none, values: () => [], splits: () => LINES_DBFS, grid: { stroke: line, width: 1 } },
        ],
        series: [{}, { stroke: colour(this, us ? "--us-fill" : "--live-fill"), fill: colour(this, us ? "--us-tint" : "--live-tint"), width: 1, points: none, fillTo: -62 }],
      },
      /** @type {any} */ ([SECONDS, track]),
      place,
    );
    this.lanes.set(raw_id, { name, track, level: null, at: 0, plot, box });
  }

  /** The minute before this page was opened. @param {{tracks: Record<string, (number|null)[]>}} history */
  remember(history) {
    for (const [raw_id, lane] of this.lanes) {
      const told = history.tracks[raw_id];
      if (!told) continue;
      const from = told.slice(-POINTS).map((each) => (each === null ? null : Math.max(-60, each)));
      lane.track = [...Array(POINTS - from.length).fill(null), ...from];
    }
  }

  /** @param {Record<string, {rms_dbfs: number}>} levels */
  hear(levels) {
    const now = performance.now();
    for (const [raw_id, lane] of this.lanes) {
      if (!levels[raw_id]) continue;
      lane.level = Math.max(-60, levels[raw_id].rms_dbfs);
      lane.at = now;
    }
  }

  /** By our own clock, so that a late message never bends the time axis. */
  sample() {
    const now = performance.now();
    for (const lane of this.lanes.values()) {
      lane.track.push(now - lane.at < FRESH_MS ? lane.level : null);
      lane.track.shift();
      if (!document.hidden && this.offsetParent) lane.plot.setData(/** @type {any} */ ([SECONDS, lane.track]), false);
      if (!document.hidden && this.offsetParent) lane.plot.redraw(true, false);
    }
  }

  fit() {
    for (const { plot, box } of this.lanes.values()) {
      const width = box.lastElementChild?.clientWidth ?? 0;
      if (width > 0 && width !== plot.width) plot.setSize({ width, height: this.height ?? 44 });
    }
  }

  rebuild() {
    const voices = [...this.lanes].map(([raw_id, lane]) => ({ raw_id, name: lane.name, metered: true, look: "" }));
    const tracks = new Map([...this.lanes].map(([raw_id, lane]) => [raw_id, lane.track]));
    for (const lane of this.lanes.values()) lane.plot.destroy();
    this.lanes = new Map();
    this.replaceChildren();
    for (const { raw_id, name } of voices) this.add(raw_id, name, tracks.get(raw_id) ?? []);
    if (voices.length) this.append(this.axis);
  }
}

customElements.define("acs-lanes", AcsLanes);
export { AcsLanes };
