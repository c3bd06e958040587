// Levels of both directions: two meters with the ballistics of a studio, and the last seconds as two lanes.

import { level } from "./words.js";

const FLOOR = -60;
const FALL_DB_S = 20;
const HOLD_MS = 1_500;
const SAY_MS = 250;
const SPEAK_MS = 1_000;
const LANE_S = 12;
const STEP_MS = 50;

const share = (dbfs) => Math.min(1, Math.max(0, (dbfs - FLOOR) / -FLOOR));
const dbfs = (amplitude) => (amplitude > 0 ? Math.max(-100, 20 * Math.log10(amplitude)) : -100);

class Meter {
  /** @param {HTMLElement} element @param {() => AnalyserNode|undefined} analyser */
  constructor(element, analyser) {
    this.element = element;
    this.analyser = analyser;
    this.samples = new Float32Array(2048);
    this.parts = Object.fromEntries(
      [".rms", ".peak", ".hold", "[data-slot=level]"].map((name) => [name, element.querySelector(name)]),
    );
    this.rms = this.peak = this.hold = this.now = -100;
    this.holdAt = this.saidAt = this.spokenAt = 0;
  }

  measure() {
    const analyser = this.analyser();
    if (!analyser || this.element.dataset.still === "true") return [-100, -100];
    analyser.getFloatTimeDomainData(this.samples);
    let [power, peak] = [0, 0];
    for (const sample of this.samples) {
      power += sample * sample;
      peak = Math.max(peak, Math.abs(sample));
    }
    return [dbfs(Math.sqrt(power / this.samples.length)), dbfs(peak)];
  }

  move(now, passed_s) {
    const [rms, peak] = this.measure();
    this.now = rms;
    const fall = FALL_DB_S * passed_s;
    this.rms = Math.max(rms, this.rms - fall, -100);
    this.peak = Math.max(peak, this.peak - fall, -100);
    if (this.peak >= this.hold) [this.hold, this.holdAt] = [this.peak, now];
    else if (now - this.holdAt > HOLD_MS) this.hold = Math.max(this.peak, this.hold - fall);
    this.parts[".rms"].style.transform = `scaleX(${share(this.rms)})`;
    this.parts[".peak"].style.transform = `scaleX(${share(this.peak)})`;
    this.parts[".hold"].style.transform = `translateX(calc(${100 * share(this.hold)}% - 2px))`;
    this.say(now);
  }

  say(now) {
    if (now - this.saidAt > SAY_MS) {
      this.saidAt = now;
      this.element.classList.toggle("sounds", this.rms > -45);
      this.parts["[data-slot=level]"].textContent = this.element.dataset.still === "true" ? "muted" : level(this.rms);
    }
    if (now - this.spokenAt > SPEAK_MS) {
      this.spokenAt = now;
      this.element.setAttribute("aria-valuenow", String(Math.round(Math.max(FLOOR, this.rms))));
      this.element.setAttribute("aria-valuetext", this.parts["[data-slot=level]"].textContent);
    }
  }
}

class Lanes {
  /** @param {HTMLCanvasElement} canvas @param {Meter[]} meters */
  constructor(canvas, meters) {
    this.canvas = canvas;
    this.meters = meters;
    this.past = meters.map(() => []);
    this.takenAt = 0;
  }

  move(now) {
    if (now - this.takenAt < STEP_MS) return;
    this.takenAt = now;
    this.meters.forEach((meter, at) => {
      this.past[at].push(share(meter.now));
      if (this.past[at].length > (LANE_S * 1000) / STEP_MS) this.past[at].shift();
    });
    if (this.canvas.offsetParent) this.draw();
  }

  draw() {
    const { clientWidth, clientHeight } = this.canvas;
    const scale = devicePixelRatio;
    if (this.canvas.width !== Math.round(clientWidth * scale)) this.canvas.width = Math.round(clientWidth * scale);
    if (this.canvas.height !== Math.round(clientHeight * scale)) this.canvas.height = Math.round(clientHeight * scale);
    const pen = this.canvas.getContext("2d");
    const style = getComputedStyle(this.canvas);
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, clientWidth, clientHeight);
    const height = clientHeight / this.meters.length;
    this.meters.forEach((_, at) => {
      const middle = height * (at + 0.5);
      pen.fillStyle = style.outlineColor;
      pen.fillRect(0, middle - 0.5, clientWidth, 1);
      pen.fillStyle = at ? style.caretColor : style.color;
      this.bars(pen, this.past[at], clientWidth, middle, height / 2 - 4);
    });
  }

  bars(pen, past, width, middle, most) {
    const step = width / ((LANE_S * 1000) / STEP_MS);
    past.forEach((size, at) => {
      if (size <= 0) return;
      const tall = Math.max(1, size ** 1.6 * most);
      pen.fillRect(width - (past.length - at) * step, middle - tall, Math.max(1, step - 1), 2 * tall);
    });
  }
}

/** Draws until the page is closed. @param {import("./sound.js").Sound} sound */
export function watch(sound) {
  const meters = [
    new Meter(document.getElementById("meter-mouth"), () => (sound.mouth ? sound.saying : undefined)),
    new Meter(document.getElementById("meter-ear"), () => (sound.rate ? sound.hearing : undefined)),
  ];
  const lanes = new Lanes(document.getElementById("lanes"), meters);
  let before = performance.now();
  const step = (now) => {
    for (const meter of meters) meter.move(now, Math.max(0, now - before) / 1000);
    lanes.move(now);
    before = now;
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}
