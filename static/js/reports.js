// <acs-chart>: one chart of the report, drawn by uPlot as bars; the numbers stand in the page as well.

import uPlot from "../vendor/uplot/uPlot.esm.js";

const report = JSON.parse(document.getElementById("report")?.textContent ?? "{}");
const HEIGHT = 196;
const none = { show: false };

/** A token's colour as a canvas understands it. @param {HTMLElement} place @param {string} token */
function colour(place, token) {
  const before = place.style.color;
  place.style.color = `var(${token})`;
  const found = getComputedStyle(place).color;
  place.style.color = before;
  return found;
}

/** Series on top of each other: each one is drawn as the sum of itself and all below it. @param {number[][]} series */
const stacked = (series) => series.map((_, at) => series[0].map((__, x) => series.slice(0, at + 1).reduce((sum, each) => sum + each[x], 0)));

class AcsChart extends HTMLElement {
  connectedCallback() {
    this.draw();
    this.sizes = new ResizeObserver(() => this.plot?.setSize({ width: this.inside(), height: HEIGHT }));
    this.sizes.observe(this);
    this.recolour = () => this.draw();
    addEventListener("themechange", this.recolour);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", this.recolour);
  }

  disconnectedCallback() {
    this.sizes?.disconnect();
    removeEventListener("themechange", this.recolour);
  }

  inside() {
    const { paddingLeft, paddingRight } = getComputedStyle(this);
    return Math.max(120, this.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight));
  }

  draw() {
    this.plot?.destroy();
    this.plot = this.dataset.of === "counts" ? this.counts(report.counts) : this.buckets(report[this.dataset.of ?? ""]);
  }

  /** @param {{step: string, at: number[], inbound: number[], outbound: number[], failed: number[]}} told */
  counts(told) {
    const tones = ["--live-fill", "--us-fill", "--bad-fill"];
    const sums = stacked([told.inbound, told.outbound, told.failed]);
    const bars = uPlot.paths.bars?.({ size: [0.7, 40], gap: 1 });
    const half = (told.step === "hour" ? 3_600 : 86_400) / 2;
    const each = Math.ceil(told.at.length / Math.max(2, this.inside() / 72));
    // The highest sum is drawn first, so that the lower ones stand before it.
    const order = [2, 1, 0];
    return new uPlot(
      {
        ...this.frame(),
        scales: { x: { time: true, range: [told.at[0] - half, (told.at.at(-1) ?? 0) + half] }, y: this.counting() },
        axes: [
          this.axis({ grid: none, splits: () => told.at.filter((_, at) => at % each === 0), values: (/** @type {uPlot} */ _, /** @type {number[]} */ at) => at.map((second) => moment(second, told.step)) }),
          this.axis({ size: 36, splits: whole }),
        ],
        series: [{}, ...order.map((at) => ({ fill: colour(this, tones[at]), stroke: colour(this, tones[at]), width: 0, paths: bars, points: none }))],
      },
      /** @type {any} */ ([told.at, ...order.map((at) => sums[at])]),
      this,
    );
  }

  /** @param {{labels: string[], calls: number[]}} told */
  buckets(told) {
    const places = told.labels.map((_, at) => at);
    const narrow = this.inside() < 420;
    return new uPlot(
      {
        ...this.frame(),
        scales: { x: { time: false, range: [-0.6, places.length - 0.4] }, y: this.counting() },
        axes: [
          this.axis({ splits: () => places, values: () => told.labels, grid: none, rotate: narrow ? -40 : 0, size: narrow ? 64 : 32 }),
          this.axis({ size: 36, splits: whole }),
        ],
        series: [{}, { fill: colour(this, "--off-fill"), stroke: colour(this, "--off-fill"), width: 0, paths: uPlot.paths.bars?.({ size: [0.6, 64] }), points: none }],
      },
      /** @type {any} */ ([places, told.calls]),
      this,
    );
  }

  frame() {
    return { width: this.inside(), height: HEIGHT, padding: /** @type {any} */ ([8, 8, 0, 0]), legend: none, cursor: none, select: /** @type {any} */ (none) };
  }

  counting() {
    return { range: /** @type {any} */ ((_, __, most) => [0, Math.max(4, Math.ceil(most * 1.1))]) };
  }

  /** @param {object} more */
  axis(more) {
    const font = `12px ${getComputedStyle(this).fontFamily}`;
    return /** @type {any} */ ({ stroke: colour(this, "--ink-2"), font, grid: { stroke: colour(this, "--line"), width: 1 }, ticks: none, ...more });
  }
}

const HOUR = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** @param {number} second @param {string} step */
const moment = (second, step) => (step === "hour" && new Date(second * 1000).getHours() ? HOUR : DAY).format(second * 1000);

/** Whole calls only. @param {uPlot} _ @param {number} __ @param {number} low @param {number} high */
function whole(_, __, low, high) {
  const step = Math.max(1, Math.ceil((high - low) / 5));
  return Array.from({ length: Math.floor((high - low) / step) + 1 }, (___, at) => low + at * step);
}

customElements.define("acs-chart", AcsChart);
