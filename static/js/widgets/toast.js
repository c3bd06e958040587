// A word about what just happened: at most two at a time, each for 6 s. What stands there already is not said twice, as
// when an order's answer and its event tell of one fault.

import { icon, make } from "../dom.js";

const LIFE_MS = 6_000;
const SYMBOLS = { ok: "check", bad: "trouble", wait: "warning", us: "speak" };

/** @param {string} text @param {"ok"|"bad"|"wait"|"us"} [tone] */
export function toast(text, tone = "ok") {
  const place = document.getElementById("toasts");
  if (!place || [...place.querySelectorAll("p")].some((told) => told.textContent === text)) return;
  const close = make("button", { class: "button bare square dense", type: "button", "aria-label": "Dismiss" }, [icon("close")]);
  const note = make("div", { class: "toast" }, [make("span", { class: `tone-${tone}` }, [icon(SYMBOLS[tone])]), make("p", {}, [text]), close]);
  close.addEventListener("click", () => note.remove());
  place.append(note);
  while (place.children.length > 2) place.firstElementChild?.remove();
  setTimeout(() => note.remove(), LIFE_MS);
}
