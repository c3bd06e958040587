// From one sample rate to another by a windowed sinc, so that nothing above half the lower rate comes back as a false tone.
// It knows no Web Audio: a worklet feeds it, and so can a test.

const CROSSINGS = 16;
const FINE = 256;
const BETA = 8;

/** Modified Bessel function of the first kind, order 0. @param {number} x */
function bessel(x) {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > 1e-12 * sum; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

/** The kernel's right half, FINE points for each input sample. @param {number} cut of the input's band @param {number} reach in input samples */
function kernel(cut, reach) {
  const points = new Float32Array(Math.ceil(reach * FINE) + 2);
  for (let i = 0; i < reach * FINE; i += 1) {
    const t = i / FINE;
    const sinc = t === 0 ? 1 : Math.sin(Math.PI * cut * t) / (Math.PI * cut * t);
    points[i] = cut * sinc * (bessel(BETA * Math.sqrt(1 - (t / reach) ** 2)) / bessel(BETA));
  }
  return points;
}

export class Resampler {
  /** @param {number} fromHz @param {number} toHz */
  constructor(fromHz, toHz) {
    const cut = Math.min(1, toHz / fromHz) * 0.94;
    this.reach = CROSSINGS / cut;
    this.points = kernel(cut, this.reach);
    this.step = fromHz / toHz;
    this.bend = 0;
    this.held = new Float32Array(16384);
    this.size = Math.ceil(this.reach);
    this.at = this.size;
  }

  /** Speeds reading up by that share, e.g. 0.002: how a player follows a clock that is not its own. @param {number} share */
  follow(share) {
    this.bend = share;
  }

  /** How many input samples are missing before `count` can be read. @param {number} count */
  lacks(count) {
    const last = this.at + (count - 1) * this.step * (1 + this.bend) + this.reach;
    return Math.max(0, Math.floor(last) + 2 - this.size);
  }

  /** @param {Float32Array} samples */
  write(samples) {
    const past = Math.floor(this.at - this.reach) - 1;
    if (past > 0) {
      this.held.copyWithin(0, past, this.size);
      this.size -= past;
      this.at -= past;
    }
    this.held.set(samples, this.size);
    this.size += samples.length;
  }

  /** Fills `out` from its start as far as the input allows; returns how far. @param {Float32Array} out */
  read(out) {
    const step = this.step * (1 + this.bend);
    let count = 0;
    while (count < out.length && this.at + this.reach + 1 < this.size) {
      out[count] = this.sample(this.at);
      this.at += step;
      count += 1;
    }
    return count;
  }

  /** @param {number} at in input samples */
  sample(at) {
    const first = Math.ceil(at - this.reach);
    const last = Math.floor(at + this.reach);
    let sum = 0;
    for (let n = first; n <= last; n += 1) {
      const place = Math.abs(at - n) * FINE;
      const low = Math.floor(place);
      const near = this.points[low];
      sum += this.held[n] * (near + (this.points[low + 1] - near) * (place - low));
    }
    return sum;
  }
}
