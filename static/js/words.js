// Times, levels and counts as people read them; the same shapes as calls/templatetags/console.py.

const MINUS = "\u2212";
const DASH = "\u2013";

/** @param {number} seconds 247 → "4:07", 4327 → "1:12:07" */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const minutes = Math.floor(whole / 60) % 60;
  const hours = Math.floor(whole / 3600);
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** A moment on the call's clock: 70.4 → "1:10.4", −4.2 → "−0:04.2". @param {number} seconds */
export function offset(seconds) {
  const tenths = Math.round(Math.abs(seconds) * 10);
  return `${seconds < 0 && tenths ? MINUS : ""}${clock(tenths / 10)}.${tenths % 10}`;
}

/** @param {number|null|undefined} ms 8400 → "8.4 s", 62000 → "1:02" */
export function length(ms) {
  if (ms === null || ms === undefined) return DASH;
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : clock(ms / 1000);
}

/** @param {number} dbfs −23.4 → "−23 dB" */
export function decibels(dbfs) {
  if (dbfs <= -99) return `${MINUS}∞ dB`;
  const whole = Math.round(dbfs);
  return `${whole < 0 ? MINUS : ""}${Math.abs(whole)} dB`;
}

/** @param {number} value one decimal, with a real minus */
export function signed(value) {
  const text = Math.abs(value).toFixed(1);
  return value < 0 && text !== "0.0" ? MINUS + text : text;
}

/** @param {number} seconds 38 → "38 s ago", 130 → "2 min ago" */
export function ago(seconds) {
  const s = Math.max(0, seconds);
  if (s < 60) return `${Math.floor(s)} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  return s < 86_400 ? `${Math.floor(s / 3600)} h ago` : `${Math.floor(s / 86_400)} days ago`;
}

/** @param {number} n 13104 → "13,104" */
export const count = (n) => n.toLocaleString("en-US");

/** @param {number|null} hz 16000 → "16 kHz" */
export const khz = (hz) => (hz ? `${hz / 1000} kHz` : DASH);

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

/** The reader's own wall clock. @param {Date} date */
export const timeOfDay = (date) => CLOCK.format(date);

/** Rewrites every <time> inside `root` into the reader's zone. @param {ParentNode} root */
export function localTimes(root) {
  for (const element of root.querySelectorAll("time[data-shape]")) {
    const time = /** @type {HTMLTimeElement} */ (element);
    const date = new Date(time.dateTime);
    if (Number.isNaN(date.getTime())) continue;
    const shape = time.dataset.shape;
    const text = shape === "ago" ? ago((Date.now() - date.getTime()) / 1000) : shape === "day" ? DAY.format(date) : CLOCK.format(date);
    if (time.textContent !== text) time.textContent = text;
    if (shape !== "day") time.title = date.toLocaleString();
  }
}
