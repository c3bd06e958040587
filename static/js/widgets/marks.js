// Whether a call is recorded, paused or held back, in every place that shows the call. Markup: templates/widgets/marks.html.

import { slot, write } from "../dom.js";
import { clock } from "../words.js";

/** @typedef {{recording: {state: string}, sensitive: {until: string, by: string}|null}} Kept */

let aheadMs = 0;

/** How far the portal's clock is ahead of the browser's. @param {number} ms */
export const setClock = (ms) => (aheadMs = ms);

/** Seconds that a sensitive pause still lasts; 0 if there is none. @param {Kept|null} row */
export function sensitiveLeft(row) {
  return row?.sensitive ? Math.max(0, (Date.parse(row.sensitive.until) - Date.now() - aheadMs) / 1000) : 0;
}

/** A second that has begun counts: the shown time is never 0:00 while it lasts. @param {number} left_s */
export const leftWords = (left_s) => clock(Math.ceil(left_s));

/** @param {ParentNode} root the row or head that has the marks @param {Kept} row */
export function paintMarks(root, row) {
  const marks = slot(root, "marks");
  if (!marks) return;
  const left_s = sensitiveLeft(row);
  const until = left_s > 0 ? (row.sensitive?.until ?? "") : "";
  if (marks.dataset.kept !== row.recording.state) marks.dataset.kept = row.recording.state;
  if (marks.dataset.until !== until) marks.dataset.until = until;
  write(slot(marks, "sensitive-left"), until ? leftWords(left_s) : "");
}
