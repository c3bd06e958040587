// What happened on a call, newest first: Azure's events, our orders, our sounds. The script's half of views/happenings.py.

import { copyOf, icon, make, slot, symbol, write } from "../dom.js";
import { codeWords } from "../looks.js";
import { localTimes, offset } from "../words.js";

/**
 * @typedef {{key: string, at: string, icon: string, tone: string, text: string, second: string, code: string, url: string}} Happening
 * @typedef {{code: string, message: string}} Fault
 * @typedef {{id: string, verb: string, state: string, error: Fault|null, asked_by: string, created_at: string, accepted_at: string|null, done_at: string|null}} Command
 * @typedef {{id: string, state: string, kind: string, label: string, text: string, tone_hz: number|null, voice: string, asked_by: string, queued_at: string,
 *   accepted_at: string|null, started_at: string|null, ended_at: string|null, duration_ms: number|null, played_ms: number, error: Fault|null}} Injection
 * @typedef {{id: string, type: string, source: string, event_time: string, offset_s: number, code: number|null, subcode: number|null, text: string, remedy: string, tone: string, icon: string}} CallEvent
 */

/** Verb → icon and words. @type {Record<string, [string, string]>} */
export const VERB_WORDS = {
  place: ["call-out", "Place the call"],
  answer: ["phone", "Answer"],
  reject: ["ended", "Reject"],
  redirect: ["transfer", "Redirect"],
  hang_up: ["ended", "Hang up"],
  start_streaming: ["both-ways", "Start streaming"],
  stop_streaming: ["no-stream", "Stop streaming"],
  stop_sound: ["stop", "Stop sound"],
  start_recording: ["record", "Start recording"],
  stop_recording: ["stop", "Stop recording"],
  pause_recording: ["pause", "Pause recording"],
  resume_recording: ["play", "Resume recording"],
  begin_sensitive: ["pause", "Begin sensitive pause"],
  end_sensitive: ["play", "End sensitive pause"],
  start_transcript: ["text", "Start transcript"],
  stop_transcript: ["stop", "Stop transcript"],
  change_language: ["text", "Change language"],
  start_azure_recording: ["record", "Start Azure’s recording"],
  pause_azure_recording: ["pause", "Pause Azure’s recording"],
  resume_azure_recording: ["play", "Resume Azure’s recording"],
  stop_azure_recording: ["stop", "Stop Azure’s recording"],
};
const SOURCES = /** @type {Record<string, string>} */ ({ event_grid: "From Event Grid", stream: "From the media socket", portal: "From this portal" });
const KIND_ICONS = /** @type {Record<string, string>} */ ({ text: "text", tone: "tone", clip: "wave", file: "file" });
const SOUND_TONES = /** @type {Record<string, string>} */ ({ queued: "wait", playing: "us", done: "us", stopped: "off", failed: "bad" });
const MOST = 400;

/** @param {CallEvent} event @param {string} call @returns {Happening} */
export const ofEvent = (event, call) => ({
  key: event.id,
  at: event.event_time,
  icon: event.icon,
  tone: event.tone,
  text: event.text,
  second: event.remedy || (SOURCES[event.source] ?? ""),
  code: codeWords(event.code, event.subcode),
  url: `/calls/${call}/events/${event.id}/`,
});

/** @param {Command} command @returns {Happening} */
export function ofCommand(command) {
  const [symbolName, words] = VERB_WORDS[command.verb] ?? ["clock", command.verb];
  const failed = command.state === "failed";
  const after = (/** @type {string|null} */ moment, /** @type {string} */ word) => (moment ? `, ${word} after ${((Date.parse(moment) - Date.parse(command.created_at)) / 1000).toFixed(1)} s` : "");
  return {
    key: command.id,
    at: command.created_at,
    icon: failed ? "trouble" : symbolName,
    tone: failed ? "bad" : command.state === "done" ? "off" : "wait",
    text: failed ? `${words}: failed` : `Order: ${words[0].toLowerCase()}${words.slice(1)}`,
    second: command.error?.message ?? `Asked by ${command.asked_by}${after(command.accepted_at, "accepted")}${after(command.done_at, "done")}`,
    code: "",
    url: "",
  };
}

/** @param {Injection} injection @returns {Happening} */
export function ofInjection(injection) {
  const at = injection.started_at ?? injection.queued_at;
  const failed = injection.state === "failed";
  return {
    key: injection.id,
    at,
    icon: failed ? "trouble" : KIND_ICONS[injection.kind],
    tone: SOUND_TONES[injection.state],
    text: soundWords(injection),
    second: injection.error?.message ?? `Asked by ${injection.asked_by}`,
    code: "",
    url: "",
  };
}

/** @param {Injection} injection */
function soundWords(injection) {
  const verb = { queued: "Waits to play", playing: "Plays", failed: "Not played:" }[injection.state] ?? "Played";
  const what = { text: `text “${injection.text}”`, tone: `tone ${injection.tone_hz} Hz`, clip: `clip ${injection.label}`, file: `file ${injection.label}` }[injection.kind];
  const over = injection.state === "done" || injection.state === "stopped";
  return `${verb} ${what}${over ? `, ${(injection.played_ms / 1000).toFixed(1)} s` : ""}${injection.state === "stopped" ? ", stopped" : ""}`;
}

export class Events {
  /** @param {HTMLElement} page */
  constructor(page) {
    this.page = page;
    this.list = slot(page, "events");
    /** @type {Map<string, HTMLElement>} */
    this.shown = new Map();
    for (const element of /** @type {Iterable<HTMLElement>} */ (this.list.children)) this.shown.set(element.dataset.keyOf ?? "", element);
    this.start = NaN;
  }

  /** Second 0 of the call: while it rings that is when it began to ring, afterwards when it connected. @param {number} start */
  rebase(start) {
    if (start === this.start) return;
    this.start = start;
    for (const element of this.shown.values()) this.place(element);
  }

  /** @param {HTMLElement} element */
  place(element) {
    write(slot(element, "at"), offset((Date.parse(element.dataset.at ?? "") - this.start) / 1000));
  }

  /** Adds or renews one entry in its place by time. @param {Happening} each @param {boolean} [enters] */
  tell(each, enters = false) {
    let element = this.shown.get(each.key);
    const moved = element?.dataset.at !== each.at;
    if (!element) {
      element = copyOf("event-template");
      element.dataset.keyOf = each.key;
      if (enters) element.classList.add("enters");
      this.shown.set(each.key, element);
    }
    if (moved) {
      element.dataset.at = each.at;
      const time = Date.parse(each.at);
      const below = /** @type {HTMLElement[]} */ ([...this.list.children]).find((other) => other !== element && Date.parse(other.dataset.at ?? "") <= time);
      this.list.insertBefore(element, below ?? null);
    }
    this.place(element);
    symbol(slot(element, "icon"), each.icon);
    slot(element, "mark").setAttribute("class", `icon tone-${each.tone}`);
    write(slot(element, "text"), each.text);
    write(slot(element, "second"), each.second);
    const link = /** @type {HTMLAnchorElement} */ (slot(element, "code"));
    link.hidden = !each.url;
    if (each.url) link.href = each.url;
    write(slot(element, "code-of"), `, all of “${each.text}”`);
    link.classList.toggle("bare", !each.code);
    write(slot(element, "code-text"), each.code || "raw");
    this.trim();
  }

  trim() {
    while (this.list.children.length > MOST) {
      const last = /** @type {HTMLElement} */ (this.list.lastElementChild);
      this.shown.delete(last.dataset.keyOf ?? "");
      last.remove();
    }
    write(slot(this.page, "event-count"), String(this.list.children.length));
  }
}

/** Opens an event in place, with all that Azure said; without a script the link leads to a page of its own. */
document.addEventListener("click", async (event) => {
  const link = event.target instanceof Element ? /** @type {HTMLAnchorElement|null} */ (event.target.closest("a[data-expands]")) : null;
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const row = link.closest(".event");
  const open = row?.querySelector(".event-facts");
  link.setAttribute("aria-expanded", String(!open));
  if (open) return open.remove();
  const answer = await fetch(`${link.href}?part=facts`, { credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok) return row?.append(make("p", { class: "event-facts small tone-bad" }, [icon("trouble"), "The portal did not tell the rest. Try again."]));
  const facts = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".event-facts");
  if (facts && row) {
    row.append(facts);
    localTimes(facts);
  }
});
