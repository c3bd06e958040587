// One requestAnimationFrame loop for everything that moves on a page.

/** @type {Set<(now: number, passed_s: number) => void>} */
const movers = new Set();
let before = 0;
let running = false;

/** @param {number} now */
function frame(now) {
  // After a hidden tab the first step must not jump by minutes.
  const passed_s = Math.min(0.1, (now - before) / 1000);
  before = now;
  for (const move of movers) move(now, passed_s);
  running = movers.size > 0;
  if (running) requestAnimationFrame(frame);
}

/** @param {(now: number, passed_s: number) => void} move called each frame until `rest` */
export function moves(move) {
  movers.add(move);
  if (!running) {
    running = true;
    before = performance.now();
    requestAnimationFrame(frame);
  }
}

/** @param {(now: number, passed_s: number) => void} move */
export function rest(move) {
  movers.delete(move);
}
