// What people add to a call: tags in the head, notes in their panel. Works on live and on ended calls; without a script the
// same forms lead to the same pages.

import { copyOf, icon, make, slot, write } from "../dom.js";
import { ask, OrderError } from "../orders.js";
import { toast } from "../widgets/toast.js";
import { localTimes, offset } from "../words.js";

/** @typedef {{id: string, call: string, text: string, about_s: number|null, author: string, created_at: string}} Note */

/** @param {string[]} tags */
export function paintTags(tags) {
  const list = /** @type {HTMLElement|null} */ (document.querySelector("[data-slot=tags]"));
  if (!list || JSON.stringify(shownTags(list)) === JSON.stringify(tags)) return;
  const known = new Map([...list.children].map((each) => [/** @type {HTMLElement} */ (each).dataset.tag, each]));
  list.replaceChildren(...tags.map((name) => known.get(name) ?? tagOf(name)));
}

/** @param {HTMLElement} list */
const shownTags = (list) => [...list.children].map((each) => /** @type {HTMLElement} */ (each).dataset.tag);

/** @param {string} name */
function tagOf(name) {
  if (!document.getElementById("tag-template")) return make("li", { class: "tag", "data-tag": name }, [name]);
  const tag = copyOf("tag-template");
  tag.dataset.tag = name;
  const link = /** @type {HTMLAnchorElement} */ (slot(tag, "name"));
  write(link, name);
  link.href = `/search/?tag=${encodeURIComponent(name)}`;
  const button = /** @type {HTMLButtonElement} */ (tag.querySelector("button"));
  button.value = name;
  button.title = `Take ${name} away`;
  button.setAttribute("aria-label", `Take the tag ${name} away`);
  return tag;
}

/** A note was written or deleted, here or elsewhere. @param {Note} note @param {boolean} [gone] */
export function tellNote(note, gone = false) {
  const panel = /** @type {HTMLElement|null} */ (document.querySelector("[data-notes-of]"));
  if (!panel) return;
  const list = slot(panel, "notes");
  const shown = list.querySelector(`[data-note="${CSS.escape(note.id)}"]`);
  if (gone) shown?.remove();
  else if (!shown) list.append(noteOf(note));
  write(slot(panel, "note-count"), String(list.children.length));
}

/** @param {Note} note */
function noteOf(note) {
  if (!document.getElementById("note-template")) return make("li", { class: "written", "data-note": note.id }, [make("p", {}, [note.text]), make("p", { class: "small quiet" }, [note.author])]);
  const row = copyOf("note-template");
  row.dataset.note = note.id;
  write(slot(row, "text"), note.text);
  write(slot(row, "author"), note.author);
  const about = /** @type {HTMLAnchorElement} */ (slot(row, "about"));
  about.hidden = note.about_s === null;
  about.href = `/calls/${note.call}/?t=${Math.max(0, note.about_s ?? 0).toFixed(1)}`;
  write(about, offset(note.about_s ?? 0));
  slot(row, "at").replaceChildren(make("time", { datetime: note.created_at, "data-shape": "day" }));
  const form = /** @type {HTMLFormElement} */ (row.querySelector("form"));
  form.action = `/calls/${note.call}/notes/${note.id}/delete/`;
  form.dataset.deletesNote = note.id;
  localTimes(row);
  return row;
}

/** `1:03`, `1:02:03.5`, `63.2` → seconds; NaN if it is no moment. @param {string} text */
export function secondsOf(text) {
  const parts = text.trim().split(":");
  if (parts.length > 3 || parts.some((each) => !/^\d{1,6}(\.\d{1,3})?$/.test(each))) return NaN;
  return parts.reduce((sum, each) => sum * 60 + Number(each), 0);
}

/** @param {HTMLFormElement} form @param {() => Promise<void>} act */
async function tried(form, act) {
  const fault = /** @type {HTMLElement|null} */ (form.querySelector("[data-fault]"));
  if (fault) fault.hidden = true;
  const button = form.querySelector("button");
  button?.setAttribute("aria-busy", "true");
  try {
    await act();
  } catch (error) {
    if (!(error instanceof OrderError)) throw error;
    if (!fault) return toast(error.message, "bad");
    fault.replaceChildren(icon("trouble", "icon-14"), make("span", {}, [error.message]));
    fault.hidden = false;
  } finally {
    button?.removeAttribute("aria-busy");
  }
}

/** @param {HTMLFormElement} form */
const tag = (form) =>
  tried(form, async () => {
    const field = /** @type {HTMLInputElement} */ (form.elements.namedItem("name"));
    const answer = await ask(`/api/v1/calls/${form.dataset.tagsOf}/tags/`, "POST", { name: field.value });
    paintTags(answer.tags);
    field.value = "";
    form.closest("[popover]")?.hidePopover();
  });

/** @param {HTMLFormElement} form */
const untag = (form) =>
  tried(form, async () => {
    const name = form.querySelector("button")?.value ?? "";
    paintTags((await ask(`/api/v1/calls/${form.dataset.untags}/tags/${encodeURIComponent(name)}/`, "DELETE")).tags);
  });

/** @param {HTMLFormElement} form */
const write_note = (form) =>
  tried(form, async () => {
    const call = form.closest("[data-notes-of]")?.getAttribute("data-notes-of") ?? "";
    const text = /** @type {HTMLTextAreaElement} */ (form.elements.namedItem("text"));
    const about = /** @type {HTMLInputElement} */ (form.elements.namedItem("about"));
    const about_s = about.value.trim() ? secondsOf(about.value) : null;
    if (Number.isNaN(about_s)) throw new OrderError({ code: "bad_input", message: `The moment ${about.value} cannot be read. Write it as 1:03 or as seconds.` });
    tellNote(await ask(`/api/v1/calls/${call}/notes/`, "POST", { text: text.value, about_s }));
    form.reset();
  });

/** @param {HTMLFormElement} form */
const delete_note = (form) =>
  tried(form, async () => {
    const [id, call] = [form.dataset.deletesNote ?? "", form.closest("[data-notes-of]")?.getAttribute("data-notes-of") ?? ""];
    await ask(`/api/v1/calls/${call}/notes/${id}/`, "DELETE");
    tellNote({ id, call, text: "", about_s: null, author: "", created_at: "" }, true);
  });

document.addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  const act = "tagsOf" in form.dataset ? tag : "untags" in form.dataset ? untag : "writesNote" in form.dataset ? write_note : "deletesNote" in form.dataset ? delete_note : null;
  if (!act) return;
  event.preventDefault();
  act(form);
});

/** While a call lives, a note is about the moment at which somebody begins to write it. */
document.addEventListener("input", (event) => {
  const field = event.target instanceof HTMLTextAreaElement ? event.target : null;
  const form = /** @type {HTMLFormElement|null|undefined} */ (field?.closest("[data-writes-note]"));
  const page = document.querySelector("acs-call:not([data-over])");
  if (!form || !page || !field || field.value.length > 1) return;
  const about = /** @type {HTMLInputElement} */ (form.elements.namedItem("about"));
  const now = slot(page, "time")?.textContent?.trim() ?? "";
  if (!about.value && !Number.isNaN(secondsOf(now))) about.value = now;
});
