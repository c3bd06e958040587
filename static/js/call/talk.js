// Who has talked how much of a live call so far, asked anew each 5 s while somebody looks.

import { make, slot, write } from "../dom.js";
import { clock } from "../words.js";

const EACH_MS = 5_000;

/** @typedef {{their_talk_s: number, our_talk_s: number, silence_s: number, longest_silence_s: number, people: {raw_id: string, label: string, talk_s: number}[]}} Measures */

/** @param {HTMLElement} page @param {() => boolean} connected there is nothing to measure before */
export function watchTalk(page, connected) {
  const panel = /** @type {HTMLElement|null} */ (page.querySelector("[data-talk-of]"));
  if (!panel) return;
  const address = `/api/v1/calls/${panel.dataset.talkOf}/measures/`;
  const look = async () => {
    if (document.hidden || !connected()) return;
    const answer = await fetch(address, { credentials: "same-origin" }).catch(() => null);
    if (answer?.ok) show(panel, await answer.json());
  };
  setInterval(look, EACH_MS);
  look();
}

/** @param {HTMLElement} panel @param {Measures} told */
function show(panel, told) {
  const total = told.their_talk_s + told.our_talk_s + told.silence_s;
  panel.hidden = !(told.their_talk_s + told.our_talk_s);
  if (panel.hidden || !total) return;
  const [theirs, ours] = /** @type {SVGRectElement[]} */ ([...panel.querySelectorAll("rect")]);
  place(theirs, 0, (told.their_talk_s / total) * 100);
  place(ours, (told.their_talk_s / total) * 100, (told.our_talk_s / total) * 100);
  write(slot(panel, "dead-air"), `longest dead air ${Math.round(told.longest_silence_s)} s`);
  const rows = [...told.people.map(({ label, talk_s }) => [label, talk_s]), ["Silence", told.silence_s]];
  slot(panel, "talkers").replaceChildren(
    ...rows.map(([label, seconds]) => make("li", {}, [make("span", {}, [String(label)]), make("span", { class: "digits quiet" }, [`${clock(Number(seconds))} · ${Math.round((Number(seconds) / total) * 100)} %`])])),
  );
}

/** @param {SVGRectElement} bar @param {number} from @param {number} width */
function place(bar, from, width) {
  bar.setAttribute("x", from.toFixed(2));
  bar.setAttribute("width", width.toFixed(2));
}
