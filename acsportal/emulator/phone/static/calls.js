// All calls of this emulator, whoever made them: read anew every second. Sample callers can be had ring the portal.

import { count, duration, some, spaced } from "./words.js";

const POLL_MS = 1000;
const STATES = { ringing: "Ringing", connected: "Connected", ended: "Ended" };
const SOURCES = { phone: "from a phone page", upload: "from sound files" };
const list = document.getElementById("calls");
const template = document.getElementById("call-row");
const said = document.getElementById("ring-said");
const rows = new Map();

async function ask(path, order) {
  const options =
    order === undefined
      ? {}
      : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(order) };
  const answer = await fetch(path, options);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error.message);
  return body;
}

function heardUrl(id) {
  return `/emulator/calls/${id}/heard.wav`;
}

/** Plays what the caller has heard until now; a second press stops. */
function wirePlayer(row, id) {
  const player = new Audio();
  const button = row.querySelector(".play");
  const time = row.querySelector(".played");
  const show = () => {
    const plays = !player.paused;
    button.querySelector(".word").textContent = plays ? "Stop" : "Play what they heard";
    button.querySelector("use").setAttribute("href", `/phone/icons.svg#${plays ? "stop" : "play"}`);
    time.textContent = plays ? duration(player.currentTime) : "";
  };
  for (const event of ["play", "pause", "ended", "timeupdate"]) player.addEventListener(event, show);
  button.addEventListener("click", () => {
    if (!player.paused) {
      player.pause();
      return;
    }
    player.src = `${heardUrl(id)}?at=${Date.now()}`;
    player.play().catch((error) => (said.textContent = `It cannot be played: ${error.message}`));
  });
}

function makeRow(id) {
  const row = template.content.firstElementChild.cloneNode(true);
  row.querySelector("a").href = heardUrl(id);
  row.querySelector(".hang-up").addEventListener("click", () => {
    ask(`/emulator/calls/${id}/hang-up`, {}).catch((error) => (said.textContent = error.message));
  });
  wirePlayer(row, id);
  return row;
}

function factsOf(call) {
  const { streaming } = call;
  const facts = [call.direction === "outbound" ? "placed by the portal" : SOURCES[call.scenario] ?? `script ${call.scenario}`];
  if (call.connected_at && streaming.sample_rate_hz) {
    facts.push(
      `${streaming.channel_type}, ${streaming.sample_rate_hz / 1000} kHz${call.state === "ended" ? "" : `, ${streaming.state}`}`,
      `${some(streaming.frames_sent, "frame")} sent, ${count(streaming.frames_received)} received`,
    );
    if (streaming.frames_received) {
      facts.push(`${streaming.queued_ms} ms queued, most ${streaming.max_queued_ms}`, some(streaming.underruns, "underrun"));
    }
  }
  if (call.end) facts.push(`${call.end.code}/${call.end.subcode} ${call.end.message.replace(/\s*DiagCode:.*$/, "")}`);
  return facts.join(" · ");
}

function lengthOf(call) {
  if (!call.connected_at) return "";
  const until = call.ended_at ? Date.parse(call.ended_at) : Date.now();
  return duration((until - Date.parse(call.connected_at)) / 1000);
}

function show(call) {
  if (!rows.has(call.id)) {
    rows.set(call.id, makeRow(call.id));
    list.prepend(rows.get(call.id));
  }
  const row = rows.get(call.id);
  row.dataset.state = call.state;
  row.querySelector(".route").textContent = `${spaced(call.caller)} → ${spaced(call.callee)}`;
  row.querySelector(".chip .word").textContent = STATES[call.state];
  row.querySelector(".length").textContent = lengthOf(call);
  row.querySelector(".facts").textContent = factsOf(call);
  row.querySelector(".hang-up").hidden = call.state === "ended";
  row.querySelector(".hang-up").setAttribute("aria-label", `Hang up ${spaced(call.caller)}`);
  row.querySelector(".heard").hidden = !(call.connected_at && call.streaming.sample_rate_hz);
}

async function refresh() {
  try {
    const { results } = await ask("/emulator/calls");
    document.getElementById("no-calls").hidden = results.length > 0;
    document.getElementById("calls-count").textContent = results.length || "";
    results.reverse().forEach(show);
  } catch {
    // The phone above says that the emulator is away.
  }
}

async function poll() {
  if (!document.hidden) await refresh();
  setTimeout(poll, POLL_MS);
}

async function ring(event) {
  event.preventDefault();
  const order = Object.fromEntries([...new FormData(event.target)].filter(([, value]) => value));
  try {
    await ask("/emulator/calls", order);
    said.textContent = "It rings.";
    await refresh();
  } catch (error) {
    said.textContent = error.message;
  }
}

export async function watchCalls() {
  document.getElementById("ring").addEventListener("submit", ring);
  const { results } = await ask("/emulator/scenarios");
  const options = results.map(({ name, title }) => new Option(title, name, name === "support", name === "support"));
  document.getElementById("scenarios").append(...options);
  await poll();
}
