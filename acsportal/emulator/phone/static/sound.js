// The page's sound: a mouth (microphone, sample voice, tone or nothing) and an ear, each with a worklet and an analyser.

const TONE_HZ = 440;
const TONE_GAIN = 0.25;
const BLOCKED = {
  NotAllowedError: [
    "The microphone is blocked for this page.",
    "Allow it with the icon at the left of the browser's address, then try again.",
  ],
  NotFoundError: ["This computer has no microphone.", "Plug one in, then try again."],
  NotReadableError: ["The microphone is in use or does not answer.", "Close the program that has it, then try again."],
};
const INSECURE = ["The browser gives this address no microphone.", "Open the page as http://localhost or http://127.0.0.1."];
const UNPLUGGED = ["The microphone was unplugged.", "Plug it in, then try again."];

/** Why there is no microphone, and what to do: two sentences. */
export class NoMicrophone extends Error {
  /** @param {string[]} words */
  constructor([fact, remedy]) {
    super(`${fact} ${remedy}`);
    this.fact = fact;
    this.remedy = remedy;
  }
}

async function microphone(lost) {
  if (!navigator.mediaDevices?.getUserMedia) throw new NoMicrophone(INSECURE);
  // Echoes are taken out, for people without headphones; level and noise stay what they are, for people who measure.
  const audio = { echoCancellation: true, noiseSuppression: false, autoGainControl: false, channelCount: 1 };
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio });
    stream.getAudioTracks()[0].addEventListener("ended", () => lost(new NoMicrophone(UNPLUGGED)));
    return stream;
  } catch (error) {
    throw new NoMicrophone(BLOCKED[error.name] ?? [`The microphone cannot be used: ${error.message}.`, "Try again."]);
  }
}

export class Sound {
  /** @param {{frame: (pcm: ArrayBuffer) => void, lost: (why: NoMicrophone) => void}} told */
  constructor(told) {
    this.told = told;
    this.ear = { queued_ms: 0, underruns: 0, dropped_ms: 0 };
    this.rate = 0;
    this.mouth = "";
    this.turn = 0;
  }

  /** Needs a press of a key or button before it, else the browser keeps it silent. */
  async open() {
    this.opening ??= this.build();
    await this.opening;
    await this.context.resume();
  }

  async build() {
    this.context = new AudioContext({ latencyHint: "interactive" });
    const worklets = ["mouth", "ear"].map((name) => this.context.audioWorklet.addModule(`/phone/${name}-worklet.js`));
    await Promise.all(worklets);
    const mono = { channelCount: 1, channelCountMode: "explicit" };
    this.inlet = new GainNode(this.context, mono);
    this.saying = new AnalyserNode(this.context, { fftSize: 2048, ...mono });
    this.hearing = new AnalyserNode(this.context, { fftSize: 2048, ...mono });
    this.volume = new GainNode(this.context);
    this.mouthNode = new AudioWorkletNode(this.context, "mouth", { numberOfOutputs: 0, ...mono });
    this.earNode = new AudioWorkletNode(this.context, "ear", { numberOfInputs: 0, outputChannelCount: [1] });
    this.inlet.connect(this.saying).connect(this.mouthNode);
    this.earNode.connect(this.hearing).connect(this.volume).connect(this.context.destination);
    this.mouthNode.port.onmessage = ({ data }) => this.told.frame(data);
    this.earNode.port.onmessage = ({ data }) => (this.ear = data);
  }

  /** Begins to speak and hear at the call's rate; 0 ends both. @param {number} rate_hz */
  async run(rate_hz) {
    if (rate_hz === this.rate) return;
    this.rate = rate_hz;
    if (rate_hz) await this.open();
    await this.opening;
    if (rate_hz === 0) this.ear = { queued_ms: 0, underruns: 0, dropped_ms: 0 };
    for (const node of [this.mouthNode, this.earNode]) node?.port.postMessage({ rate_hz: this.rate });
  }

  /** @param {ArrayBuffer} pcm */
  hear(pcm) {
    if (this.rate) this.earNode?.port.postMessage(pcm, [pcm]);
  }

  /** Raises NoMicrophone; what spoke before is quiet then. @param {"microphone"|"voice"|"tone"|"nothing"} what */
  async talkWith(what) {
    this.turn += 1;
    const turn = this.turn;
    this.quieten();
    await this.open();
    const made = await this.source(what);
    if (turn !== this.turn) {
      made?.end();
      return;
    }
    made?.node.connect(this.inlet);
    this.made = made;
    this.mouth = what;
  }

  /** Ends what speaks; the microphone's light goes out. */
  quieten() {
    this.made?.end();
    this.made = undefined;
    this.mouth = "";
  }

  async source(what) {
    if (what === "microphone") {
      const stream = await microphone(this.told.lost);
      const node = new MediaStreamAudioSourceNode(this.context, { mediaStream: stream });
      return { node, stream, end: () => (node.disconnect(), stream.getTracks().forEach((track) => track.stop())) };
    }
    if (what === "voice") {
      this.voice ??= await this.context.decodeAudioData(await (await fetch("/emulator/phone/voice.wav")).arrayBuffer());
      return this.started(new AudioBufferSourceNode(this.context, { buffer: this.voice, loop: true }));
    }
    if (what === "tone") {
      const gain = new GainNode(this.context, { gain: TONE_GAIN });
      const tone = this.started(new OscillatorNode(this.context, { frequency: TONE_HZ }));
      tone.node.connect(gain);
      return { node: gain, end: () => (tone.end(), gain.disconnect()) };
    }
    return undefined;
  }

  started(node) {
    node.start();
    return { node, end: () => (node.stop(), node.disconnect()) };
  }

  /** About how long a word takes from the mouth until the portal has it. @param {number} queued_ms at the emulator */
  delay_ms(queued_ms) {
    const device_s = this.made?.stream?.getAudioTracks()[0].getSettings().latency ?? 0;
    return Math.round((device_s + (this.context?.baseLatency ?? 0)) * 1000 + 20 + queued_ms);
  }
}
