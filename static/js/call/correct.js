// A passage is corrected where it stands: its words become a field, and what was recognised is kept. Every turn that is
// final has a link to /segments/<id>/, which does the same without a script; turns that a script drew get theirs here.

import { icon, make, slot, write } from "../dom.js";
import { ask, OrderError } from "../orders.js";
import { toast } from "../widgets/toast.js";

const LINK = 'a[href^="/segments/"]';

/** @param {HTMLElement} turn */
function open(turn) {
  const text = slot(turn, "text");
  if (!text || turn.querySelector(".correcting")) return;
  const field = /** @type {HTMLTextAreaElement} */ (make("textarea", { class: "input", rows: "2", maxlength: "4000", "aria-label": "What was said" }));
  field.value = text.textContent?.trim() ?? "";
  const form = make("form", { class: "correcting" }, [
    field,
    make("p", { class: "error", role: "alert", hidden: "" }),
    make("div", { class: "correcting-foot" }, [
      make("span", { class: "small quiet" }, ["What was recognised is kept."]),
      make("button", { class: "button dense", type: "button", "data-cancels": "" }, ["Cancel"]),
      make("button", { class: "button primary dense", "data-ctrl-enter": "" }, ["Correct"]),
    ]),
  ]);
  text.hidden = true;
  text.after(form);
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    correct(turn, form, field.value);
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close(turn);
  });
  form.querySelector("[data-cancels]")?.addEventListener("click", () => close(turn));
}

/** @param {HTMLElement} turn */
function close(turn) {
  turn.querySelector(".correcting")?.remove();
  slot(turn, "text").hidden = false;
  /** @type {HTMLElement|null} */ (turn.querySelector(LINK))?.focus();
}

/** @param {HTMLElement} turn @param {HTMLElement} form @param {string} text */
async function correct(turn, form, text) {
  const fault = /** @type {HTMLElement} */ (form.querySelector(".error"));
  fault.hidden = true;
  try {
    const segment = await ask(`/api/v1/segments/${turn.dataset.turn}/`, "PATCH", { text });
    close(turn);
    write(slot(turn, "text"), segment.text);
    write(slot(turn, "note"), segment.corrected ? `corrected by ${segment.corrected_by}` : "");
    toast(segment.corrected ? "The passage is corrected." : "The passage is as it was recognised.");
  } catch (error) {
    if (!(error instanceof OrderError)) throw error;
    fault.replaceChildren(icon("trouble", "icon-14"), make("span", {}, [error.message]));
    fault.hidden = false;
  }
}

/** Gives each turn its link that may be corrected and has none. @param {ParentNode} list */
function offer(list) {
  for (const turn of /** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll('.turn[data-kind="speech"]:not([data-open], [data-us])')))
    if (turn.dataset.turn && !turn.querySelector(LINK)) turn.append(make("a", { class: "turn-verb small", href: `/segments/${turn.dataset.turn}/` }, ["Correct"]));
}

document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest(LINK) : null;
  const turn = /** @type {HTMLElement|null|undefined} */ (link?.closest("[data-turn]"));
  if (!turn || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open(turn);
});

for (const list of document.querySelectorAll("[data-slot=turns]")) {
  offer(list);
  new MutationObserver(() => offer(list)).observe(list, { childList: true, subtree: true, attributeFilter: ["data-open", "data-turn"] });
}
