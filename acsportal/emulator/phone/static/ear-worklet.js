// What the person hears: PCM16 at the call's rate from a short queue, played at the context's rate.
//
// The emulator plays by its own clock. The reading speed follows the queue's length by at most half a per cent, which
// nobody hears; only what lies beyond the longest queue is dropped. A queue that runs dry and is fed again within
// a tenth of a second was an underrun; otherwise the sound was simply over.

import { Resampler } from "./resampler.js";

const AIM_MS = 60;
const MEAN_MS = 50;
const MOST_MS = 240;
const PATIENCE_MS = 120;
const BREAK_MS = 100;
const TELL_MS = 250;
const BEND = 0.005;
const EASE = 0.002;

class Ear extends AudioWorkletProcessor {
  constructor() {
    super();
    this.rate = 0;
    this.port.onmessage = ({ data }) => (data instanceof ArrayBuffer ? this.push(new Int16Array(data)) : this.begin(data.rate_hz));
  }

  /** @param {number} rate */
  begin(rate) {
    this.rate = rate;
    if (!rate) return;
    this.resampler = new Resampler(rate, sampleRate);
    this.queue = new Float32Array(rate);
    this.head = this.size = 0;
    this.plays = false;
    this.waited_ms = 0;
    this.dry_ms = BREAK_MS;
    this.fill_ms = MEAN_MS;
    this.underruns = this.dropped_ms = 0;
    this.told_ms = 0;
  }

  get queued_ms() {
    return (this.size * 1000) / this.rate;
  }

  /** @param {Int16Array} pcm */
  push(pcm) {
    if (!this.rate) return;
    for (const sample of pcm) {
      if (this.size === this.queue.length) this.drop(1);
      this.queue[(this.head + this.size) % this.queue.length] = sample / 32768;
      this.size += 1;
    }
    if (this.queued_ms > MOST_MS) this.drop(this.size - Math.round((AIM_MS * this.rate) / 1000));
  }

  /** @param {number} count */
  drop(count) {
    this.head = (this.head + count) % this.queue.length;
    this.size -= count;
    this.dropped_ms += (count * 1000) / this.rate;
  }

  process(_, [[output]]) {
    if (!this.rate) return true;
    const passed_ms = (output.length * 1000) / sampleRate;
    this.attend(passed_ms);
    const fed = new Float32Array(this.resampler.lacks(output.length));
    const count = this.plays ? Math.min(fed.length, this.size) : 0;
    for (let i = 0; i < count; i += 1) fed[i] = this.queue[(this.head + i) % this.queue.length];
    this.head = (this.head + count) % this.queue.length;
    this.size -= count;
    this.resampler.write(fed);
    this.resampler.read(output);
    this.tell(passed_ms);
    return true;
  }

  /** Decides whether to play, and how fast. @param {number} passed_ms */
  attend(passed_ms) {
    if (this.plays && this.size === 0) [this.plays, this.dry_ms] = [false, 0];
    if (!this.plays) {
      this.dry_ms += passed_ms;
      this.waited_ms = this.size ? this.waited_ms + passed_ms : 0;
      if (this.queued_ms < AIM_MS && this.waited_ms < PATIENCE_MS) return;
      if (this.dry_ms - this.waited_ms < BREAK_MS) this.underruns += 1;
      [this.plays, this.waited_ms, this.fill_ms] = [true, 0, MEAN_MS];
    }
    this.fill_ms += (this.queued_ms - this.fill_ms) * EASE;
    this.resampler.follow(Math.max(-BEND, Math.min(BEND, (this.fill_ms - MEAN_MS) / 8000)));
  }

  tell(passed_ms) {
    this.told_ms += passed_ms;
    if (this.told_ms < TELL_MS) return;
    this.told_ms = 0;
    this.port.postMessage({
      queued_ms: Math.round(this.queued_ms),
      underruns: this.underruns,
      dropped_ms: Math.round(this.dropped_ms),
    });
  }
}

registerProcessor("ear", Ear);
