// The phone: what the person does, what the emulator says, and the sound between them.

import { watchCalls } from "./calls.js";
import { Line } from "./line.js";
import { watch } from "./meters.js";
import { wirePad } from "./pad.js";
import { NoMicrophone, Sound } from "./sound.js";
import { key as keyTone, ring } from "./tones.js";
import { show, stateOf } from "./view.js";
import { dialled, plain, spaced } from "./words.js";

const TROUBLE_MS = 5_000;
const PRESSED_MS = 3_000;
const MOST_PRESSED = 12;
const REDRAW_MS = 250;

/**
 * @typedef {object} Facts
 * @property {boolean} up the emulator answers
 * @property {object|null} rings a call that rings here
 * @property {object|null} call the call, or the last one until the next number is typed
 * @property {boolean} mine whether this page hung up
 */
const facts = {
  up: false, rings: null, call: null, mine: false, pressed: "", trouble: "", microphone: null, stalled: false,
  unheard: 0, unsent: 0, shownAt: 0,
};
const part = (id) => document.getElementById(id);
const number = part("number");
const line = new Line();
const sound = new Sound({ frame: (pcm) => speak(pcm), lost: (why) => unplugged(why) });
let silence = () => {};
let ringing = "";

function draw() {
  facts.unsent = line.unsent ?? 0;
  show(facts, sound);
}

function speak(pcm) {
  if (facts.call?.rate_hz && !facts.call.muted && sound.mouth) line.speak(pcm);
}

const timers = {};

/** Words that go again by themselves. */
function forAWhile(name, text, length_ms) {
  facts[name] = text;
  clearTimeout(timers[name]);
  timers[name] = setTimeout(() => ((facts[name] = ""), draw()), length_ms);
  draw();
}

/** The telephone's own noise: ours when we are called, the far end's while it rings there. */
function makeNoise() {
  const wanted = facts.call?.state === "ringing" ? "ringback" : stateOf(facts) === "rings" ? "bell" : "";
  if (wanted === ringing || (wanted && !navigator.userActivation?.hasBeenActive)) return;
  ringing = wanted;
  silence();
  silence = () => {};
  if (wanted) sound.open().then(() => ringing === wanted && (silence = ring(sound.context, wanted)), () => {});
}

function unplugged(why) {
  sound.quieten();
  facts.microphone = why;
  draw();
}

/** From the press of a button: the browser lets sound begin, and asks for the microphone. */
async function takeUp() {
  facts.microphone = null;
  facts.stalled = false;
  draw();
  try {
    await sound.talkWith(document.querySelector("[name=source]:checked").value);
  } catch (error) {
    if (!(error instanceof NoMicrophone)) throw error;
    facts.microphone = error;
  }
  draw();
}

function dial(event) {
  event?.preventDefault();
  const again = stateOf(facts) === "ended" && facts.call.dialled;
  const callee = again ? facts.call.who : dialled(number.value);
  if (!callee) {
    number.focus();
    return;
  }
  facts.mine = false;
  facts.trouble = "";
  line.send("dial", { callee });
  takeUp();
}

function answer() {
  facts.mine = false;
  line.send("answer");
  takeUp();
}

function hangUp() {
  facts.mine = true;
  line.send("hang_up");
}

function mute() {
  if (facts.call?.state === "connected") line.send("mute", { muted: !facts.call.muted });
}

function type(text) {
  if (stateOf(facts) === "ended") facts.call = null;
  number.value = spaced(plain(number.value + text));
  draw();
}

function press(key) {
  const state = stateOf(facts);
  keyTone(sound.context, key);
  if (state === "idle" || state === "ended") type(key);
  else if (state === "call") {
    line.send("press", { tones: key });
    if (facts.call.state === "connected") forAWhile("pressed", (facts.pressed + key).slice(-MOST_PRESSED), PRESSED_MS);
  }
}

/** The last press of 0 became a +. */
function plus() {
  if (stateOf(facts) === "idle") number.value = "+";
  draw();
}

function erase() {
  number.value = spaced(plain(number.value).slice(0, -1));
  draw();
}

/** What keys that are no digits do, by what the phone does just now. */
function verb(key) {
  const state = stateOf(facts);
  const verbs = {
    idle: { Enter: dial, Backspace: erase, "+": () => type("+") },
    ended: { Enter: dial },
    rings: { Enter: answer, Escape: () => line.send("decline") },
    call: { m: mute, h: hangUp },
    away: {},
  };
  verbs[state][key]?.();
}

function wireButtons() {
  part("dial").addEventListener("submit", dial);
  part("call").addEventListener("click", (event) => stateOf(facts) === "ended" && dial(event));
  part("hang-up").addEventListener("click", hangUp);
  part("mute").addEventListener("click", mute);
  part("answer").addEventListener("click", answer);
  part("decline").addEventListener("click", () => line.send("decline"));
  part("backspace").addEventListener("click", erase);
  part("resume").addEventListener("click", takeUp);
  part("resume").addEventListener("click", () => sound.run(facts.call?.rate_hz ?? 0));
  number.addEventListener("input", () => {
    if (number.selectionStart === number.value.length) number.value = spaced(plain(number.value));
    draw();
  });
  for (const quick of document.querySelectorAll("[data-number]")) {
    quick.addEventListener("click", () => {
      number.value = spaced(quick.dataset.number);
      draw();
      part("call").focus();
    });
  }
  part("own-number").addEventListener("change", ({ target }) => line.send("number", { number: dialled(target.value) }));
  part("own-number").addEventListener("keydown", ({ key, target }) => key === "Enter" && target.blur());
}

function wireSources() {
  const during = () => stateOf(facts) === "call" && takeUp();
  part("source").addEventListener("change", during);
  for (const button of document.querySelectorAll("[data-talk]")) {
    button.addEventListener("click", () => {
      document.querySelector(`[name=source][value=${button.dataset.talk}]`).checked = true;
      facts.microphone = null;
      if (stateOf(facts) === "call") takeUp();
      draw();
    });
  }
}

function heardOfCall({ call, unheard }) {
  facts.call = call;
  facts.rings = null;
  facts.unheard = unheard;
  facts.shownAt = performance.now();
  if (call.state === "ended") {
    sound.quieten();
    sound.run(0);
    facts.microphone = null;
  } else if (navigator.userActivation?.hasBeenActive ?? true) {
    sound.run(call.rate_hz ?? 0);
  } else {
    facts.stalled = true; // after a reload: the call goes on, the browser wants a press first
  }
  makeNoise();
  draw();
}

function wireLine() {
  const on = (kind, told) => line.addEventListener(kind, ({ detail }) => told(detail));
  on("link", ({ up }) => ((facts.up = up), draw()));
  on("phone", (told) => (part("own-number").value = spaced(told.number)));
  on("call", heardOfCall);
  on("sound", ({ pcm }) => sound.hear(pcm));
  on("rings", (told) => {
    [facts.rings, facts.call] = [told, null];
    makeNoise();
    draw();
  });
  on("rest", () => {
    facts.rings = null;
    makeNoise();
    draw();
  });
  on("refused", ({ message, verb: refused }) => {
    if (refused === "number") part("own-number").focus();
    if (refused === "dial") sound.quieten();
    forAWhile("trouble", message, TROUBLE_MS);
  });
  line.connect();
}

wirePad(part("pad"), { press, long: plus, verb });
wireButtons();
wireSources();
wireLine();
watch(sound);
setInterval(draw, REDRAW_MS);
draw();
await watchCalls();
