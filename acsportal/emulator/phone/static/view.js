// What the page shows of the phone's state: one function from facts to words, chips and figures.

import { count, duration, ended, some, spaced } from "./words.js";

const CHIPS = {
  away: ["Away", "bad", "offline"],
  idle: ["Ready", "", "check"],
  rings: ["Rings", "wait", "ringing"],
  calling: ["Calling", "wait", "call-out"],
  talking: ["On a call", "live", "live"],
  ended: ["Ended", "", "ended"],
};
const STREAM = {
  off: "off",
  starting: "Azure dials the portal's media socket",
  streaming: "streaming",
  stopping: "stopping",
  failed: "failed: the media socket cannot be opened",
};

const part = (id) => document.getElementById(id);

/** @param {import("./phone.js").Facts} facts @returns {"away"|"idle"|"rings"|"call"|"ended"} */
export function stateOf({ up, rings, call }) {
  if (call && call.state !== "ended") return "call";
  if (!up) return "away";
  if (rings) return "rings";
  return call ? "ended" : "idle";
}

function other({ rings, call }) {
  return (call ?? rings)?.who ?? "";
}

function chip({ call }, state) {
  if (state !== "call") return CHIPS[state];
  return call.state === "connected" ? CHIPS.talking : CHIPS.calling;
}

/** The one sentence under the number. */
function sentence(facts, state) {
  const { call, pressed, trouble, mine } = facts;
  if (!facts.up && state === "call") return "The line to the emulator is broken; it hangs up in a moment.";
  if (state === "away") return "The emulator does not answer. Start it again; this page comes back by itself.";
  if (trouble) return trouble;
  if (state === "rings") return "calls you";
  if (state === "ended") return ended(call.end, mine);
  if (state === "idle") return "";
  if (call.state === "ringing") return "Rings at the portal…";
  if (call.state !== "connected") return "The portal answers…";
  if (pressed) return `Pressed ${pressed.split("").join(" ")}${call.streaming?.dtmf ? "" : "; the stream carries no keys"}`;
  return hears(call);
}

function hears({ streaming, muted, silenced, held, rate_hz }) {
  if (held) return "The portal has put you on hold.";
  if (silenced) return "The portal has muted you.";
  if (!streaming) return "The portal took the call without media streaming: it does not hear you.";
  if (streaming.state !== "streaming") return `Media streaming is ${STREAM[streaming.state]}.`;
  if (!streaming.bidirectional) return "One way: the portal hears you and cannot speak.";
  return muted ? "You are muted." : `PCM16, ${rate_hz / 1000} kHz, ${streaming.unmixed ? "unmixed" : "mixed"}`;
}

/** @param {import("./sound.js").Sound} sound */
function figures({ call, unheard, unsent }, sound) {
  const streaming = call?.streaming;
  if (!call || !streaming) return [];
  const { mouth } = call;
  const { ear } = sound;
  const khz = `${(call.rate_hz ?? 0) / 1000} kHz`;
  return [
    ["Stream", STREAM[streaming.state], streaming.state === "failed"],
    ["Codec", call.rate_hz ? `PCM16, ${khz}, ${streaming.unmixed ? "unmixed" : "mixed"}` : "not known yet"],
    ["You to the portal", `${some(mouth.frames, "frame")}, ${some(mouth.underruns, "gap")}, ${mouth.dropped + unsent} dropped`],
    ["Mouth to portal", sound.rate && sound.mouth ? `about ${sound.delay_ms(mouth.queued_ms)} ms` : "nothing is said"],
    ["Portal to you", `${some(streaming.frames_received, "frame")}${streaming.bidirectional ? "" : ", ignored"}`],
    ["In your ear", `${ear.queued_ms} ms wait, ${some(ear.underruns, "gap")}, ${ear.dropped_ms + 20 * unheard} ms dropped`],
    ["Queued at Azure", `${count(streaming.queued_ms)} ms`],
    ["Underruns at Azure", `${count(streaming.underruns)}`],
  ];
}

function list(rows) {
  const line = part("line");
  line.hidden = rows.length === 0;
  part("no-line").hidden = rows.length > 0;
  while (line.children.length > rows.length) line.lastElementChild.remove();
  while (line.children.length < rows.length) {
    const row = document.createElement("div");
    row.append(document.createElement("dt"), document.createElement("dd"));
    line.append(row);
  }
  rows.forEach(([name, value, bad], at) => {
    const [term, detail] = line.children[at].children;
    if (term.textContent !== name) term.textContent = name;
    if (detail.textContent !== value) detail.textContent = value;
    detail.classList.toggle("bad", bad === true);
  });
}

/** Words that a screen reader says must change only when they differ. */
function say(id, text) {
  if (part(id).textContent !== text) part(id).textContent = text;
}

function notice({ microphone, stalled }) {
  part("notice").hidden = !microphone && !stalled;
  part("notice-verbs").hidden = !microphone;
  part("notice-resume").hidden = !stalled;
  if (!microphone && !stalled) return;
  say("notice-fact", stalled ? "Your call is still there." : microphone.fact);
  say("notice-remedy", stalled ? "The browser wants a press before it plays sound." : microphone.remedy);
}

function timer({ call, shownAt }, state) {
  if (!call || call.connected_s === null || (state !== "call" && state !== "ended")) return "";
  const passed_s = state === "call" ? (performance.now() - shownAt) / 1000 : 0;
  return duration(call.connected_s + passed_s);
}

/** @param {import("./phone.js").Facts} facts @param {import("./sound.js").Sound} sound */
export function show(facts, sound) {
  const state = stateOf(facts);
  document.body.dataset.state = state;
  const [word, tone, icon] = chip(facts, state);
  say("status", sentence(facts, state));
  say("who", spaced(other(facts)));
  say("timer", timer(facts, state));
  const stateChip = part("state-chip");
  stateChip.dataset.tone = tone;
  stateChip.querySelector("use").setAttribute("href", `/phone/icons.svg#${icon}`);
  stateChip.querySelector(".word").textContent = word;
  part("own-number").disabled = state !== "idle" && state !== "ended";
  part("mute").setAttribute("aria-pressed", String(facts.call?.muted === true));
  part("mute").disabled = facts.call?.state !== "connected";
  part("meter-mouth").dataset.still = String(facts.call?.muted === true && state === "call");
  part("call").querySelector(".word").textContent = state === "ended" ? "Call again" : "Call";
  part("call").disabled = state === "away" || (state === "ended" && !facts.call.dialled);
  part("backspace").hidden = part("number").value === "";
  part("known").hidden = part("number").value !== "";
  notice(facts);
  list(figures(facts, sound));
  document.title = `${state === "rings" ? "Rings: " : ""}${spaced(other(facts)) || "Phone"} · ACS emulator`;
}
