// What the person says: the context's sound, brought to the call's rate and cut into PCM16 frames of 20 ms.

import { Resampler } from "./resampler.js";

const QUANTUM = new Float32Array(128);
const FRAME_S = 0.02;

class Mouth extends AudioWorkletProcessor {
  constructor() {
    super();
    this.rate = 0;
    this.port.onmessage = ({ data }) => this.begin(data.rate_hz);
  }

  /** @param {number} rate 0 is silence: nobody listens yet, or any more */
  begin(rate) {
    this.rate = rate;
    if (!rate) return;
    this.resampler = new Resampler(sampleRate, rate);
    this.read = new Float32Array(1024);
    this.frame = new Int16Array(rate * FRAME_S);
    this.filled = 0;
  }

  process([input]) {
    if (this.rate) {
      this.resampler.write(input[0] ?? QUANTUM);
      const count = this.resampler.read(this.read);
      for (let i = 0; i < count; i += 1) this.take(this.read[i]);
    }
    return true;
  }

  take(sample) {
    this.frame[this.filled] = Math.max(-32768, Math.min(32767, Math.round(sample * 32768)));
    this.filled += 1;
    if (this.filled < this.frame.length) return;
    const { buffer } = this.frame;
    this.frame = new Int16Array(this.frame.length);
    this.filled = 0;
    this.port.postMessage(buffer, [buffer]);
  }
}

registerProcessor("mouth", Mouth);
