// A call's row in words, symbols and colours: the script's half of calls/views/looks.py, whose table it reads.

import { sensitiveLeft } from "./widgets/marks.js";
import { khz } from "./words.js";

/**
 * @typedef {{raw_id: string, label: string, muted: boolean, on_hold: boolean, left_at: string|null, joined_at: string,
 *   kind: string, number: string, name: string, id: string}} Person
 * @typedef {{state: string, sample_rate_hz: number, channel_type: string, bidirectional: boolean, start: string, error: string}} Streaming
 * @typedef {{id: string, seq: number, url: string, direction: string, state: string, title: string, other_title: string, policy: string, tags: string[],
 *   recording: {state: string, start: string, keep_days: number|null}, sensitive: {until: string, by: string}|null,
 *   transcript: Transcript, last_line: LastLine|null,
 *   streaming: Streaming, participants: Person[], created_at: string, ringing_at: string|null, connected_at: string|null,
 *   ended_at: string|null, duration_s: number|null, end: {code: number|null, subcode: number|null, message: string, text: string}|null,
 *   may: Record<string, string>}} Row
 * @typedef {{state: string, recogniser: string, source: string, title: string, note: string, language: string, error: string}} Transcript
 * @typedef {{raw_id: string, speaker: string, text: string}} LastLine
 * @typedef {{word: string, icon: string, tone: string, reason: string}} Look
 * @typedef {{raw_id: string, label: string, look: string}} Leg
 * @typedef {{id: string, kind: string, label: string, played_ms: number, left_ms: number|null, queued: number}} Playing
 */

/** @type {Record<string, Look>} */
export const LOOKS = JSON.parse(document.getElementById("looks")?.textContent ?? "{}");

/** @param {Row} row */
export function lookName(row) {
  const rings = phase(row);
  if (row.state !== "connected") return rings.startsWith("rings") ? rings : row.state;
  if (sensitiveLeft(row) > 0) return "sensitive";
  const streaming = row.streaming.state;
  if (streaming !== "streaming") return { starting: "starting", stopping: "stopping", failed: "refused" }[streaming] ?? "unheard";
  const here = row.participants.filter((each) => !each.left_at);
  if (here.some((each) => each.on_hold)) return "held";
  if (here.some((each) => each.muted)) return "muted";
  return row.streaming.channel_type === "mixed" ? "mixed" : "live";
}

/** @param {Row} row */
export function phase(row) {
  if (row.direction === "outbound" && (row.state === "ringing" || row.state === "connecting")) return "rings_them";
  return { ringing: "rings_us", connecting: "connecting", connected: "talking" }[row.state] ?? "over";
}

/** Frames come each 20 ms even while nobody speaks, so a second without one is news. */
export const STALLED_MS = 1_000;

/** @param {number} age_ms since the newest frame came */
export const stallWords = (age_ms) => `no sound for ${Math.round(age_ms / 1_000)} s`;

/** @param {Row} row */
export const isLive = (row) => phase(row) !== "over";

/** @param {Row} row */
export function line(row) {
  const names = row.participants.filter((each) => each.name && !each.left_at).map((each) => each.name);
  if (names.length) return names[0] + (names.length > 1 ? ` +${names.length - 1}` : "") + (row.policy ? `, ${row.policy}` : "");
  return row.direction === "inbound" ? `to ${row.policy || row.other_title}` : `from ${row.other_title}`;
}

/** A name for a meter's narrow column: the first word, or the end of a number or an id. @param {string} label */
export const short = (label) => (label.startsWith("+") || label.includes("…") ? `…${label.slice(-4)}` : label.split(" ")[0]);

/** @param {Row} row */
export function happened(row) {
  if (row.end) return row.end.text || row.end.message || "The call is over.";
  const inbound = row.direction === "inbound";
  if (row.state === "connecting" && inbound) return "Azure was told to answer.";
  if (row.state === "ringing" || row.state === "connecting") {
    if (inbound) return row.policy ? `Policy ${row.policy} rings the operators.` : "No policy took it, so it rings here.";
    return row.streaming.start === "now" ? "Streaming starts when the call is answered." : "Streaming stays off until you start it.";
  }
  const { state, error } = row.streaming;
  if (state === "failed") return error || "Azure did not open the stream. Start streaming again.";
  if (state === "off") return "Nobody hears this call here. Start streaming to see its levels and to speak.";
  if (!inbound) return "The other side answered.";
  return row.policy ? `Answered, policy ${row.policy}.` : "Answered.";
}

/** @param {Row} row @returns {Leg[]} */
export function legs(row) {
  if (row.state !== "connected") return [];
  const look = row.streaming.state === "streaming" ? "quiet" : "off";
  if (row.streaming.channel_type === "mixed") return [{ raw_id: "mixed", label: "Mixed", look }];
  return row.participants
    .filter((each) => !each.left_at)
    .map((each) => ({ raw_id: each.raw_id, label: short(each.label), look: each.on_hold ? "held" : each.muted ? "muted" : look }));
}

/** @param {Row} row */
export const endCode = (row) => (row.end ? codeWords(row.end.code, row.end.subcode) : "");

/** @param {number|null} code @param {number|null} subcode "500/8603", or "1000" where there is no subcode */
export const codeWords = (code, subcode) => (code === null ? "" : subcode === null ? String(code) : `${code}/${subcode}`);

/** @param {Row} row */
export function streamWords({ streaming }) {
  if (streaming.state !== "streaming") return streaming.state[0].toUpperCase() + streaming.state.slice(1);
  return `${khz(streaming.sample_rate_hz)} ${streaming.channel_type}`;
}

/** @param {Row} row */
export function streamIcon({ streaming }) {
  if (streaming.state !== "streaming") return "no-stream";
  return streaming.bidirectional ? "both-ways" : "one-way";
}

/** The moment from which the shown duration counts, or "" when it stands. @param {Row} row */
export function countsFrom(row) {
  if (row.state === "connected") return row.connected_at ?? "";
  return row.state === "ringing" || row.state === "connecting" ? (row.ringing_at ?? row.created_at) : "";
}

/** What we play, in a few words. @param {Playing} playing */
export function playingWords(playing) {
  return { text: "Text", tone: playing.label, clip: `Clip ${playing.label}`, file: `File ${playing.label}` }[playing.kind] ?? playing.label;
}
