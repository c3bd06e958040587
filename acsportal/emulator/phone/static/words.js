// How the page says numbers, times, levels and why a call ended.

const ENDS = {
  "200/0": (mine) => (mine ? "You hung up." : "The call was hung up."),
  "200/7000": () => "The portal hung up.",
  "200/5000": () => "The portal took you out of the call.",
  "200/5010": () => "Nobody else was left on the call.",
  "200/7015": () => "The portal transferred the call.",
  "480/10078": () => "The portal did not take the call at its event door. Is it running, and is its address the emulator's --portal?",
  "480/560480": () => "You did not answer.",
  "487/0": () => "You hung up before the portal answered.",
  "487/10003": () => "The portal redirected the call to somebody else.",
  "487/10004": () => "The portal did not answer in time. Does a policy there take calls to this number?",
  "487/10024": () => "The portal rejected the call.",
  "487/540487": () => "The portal gave the call up before it was answered.",
  "403/560403": () => "You declined the call.",
};

/** @param {{code: number, subcode: number, message: string}} end @param {boolean} mine whether this phone hung up */
export function ended(end, mine) {
  const known = ENDS[`${end.code}/${end.subcode}`];
  return known ? known(mine) : end.message.replace(/\s*DiagCode:.*$/, "");
}

/** +14255550123 → +1 425 555 0123; what is no such number stays as it is. @param {string} number */
export function spaced(number) {
  const parts = /^\+1(\d{0,3})(\d{0,3})(\d{0,4})$/.exec(number);
  return parts ? ["+1", ...parts.slice(1)].filter(Boolean).join(" ") : number;
}

/** What was typed as a number or raw id: "425 555-0123" → "4255550123". @param {string} typed */
export function plain(typed) {
  return /^\d+:/.test(typed.trim()) ? typed.trim() : typed.replace(/[^\d*#+]/g, "");
}

/** A number as it is dialled: eleven digits or more get their plus. @param {string} typed */
export function dialled(typed) {
  const number = plain(typed);
  return /^\d{10,15}$/.test(number) ? `+${number.length === 10 ? "1" : ""}${number}` : number;
}

/** 247 → 4:07. @param {number} seconds */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** −23 dB; silence is "quiet". @param {number} dbfs */
export function level(dbfs) {
  return dbfs <= -60 ? "quiet" : `${dbfs <= -0.5 ? "−" : ""}${Math.abs(Math.round(dbfs))} dB`;
}

/** 12345 → 12,345. @param {number} count */
export function count(number) {
  return number.toLocaleString("en-US");
}

/** @param {number} number @param {string} one */
export function some(number, one) {
  return `${count(number)} ${one}${number === 1 ? "" : "s"}`;
}
