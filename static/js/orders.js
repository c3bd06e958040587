// Orders to the portal by REST. A form or button with `data-api` posts there as JSON (multipart if it holds a file).

import { make, icon } from "./dom.js";
import { toast } from "./widgets/toast.js";

/** @typedef {{code: string, message: string, fields?: Record<string, string>}} Fault */

export class OrderError extends Error {
  /** @param {Fault} fault */
  constructor(fault) {
    super(fault.message);
    this.fault = fault;
  }
}

const NOT_REACHED = {
  code: "not_reached",
  message: "The portal did not answer. Your order may not have arrived; look at the call before you repeat it.",
};

function csrf() {
  const field = /** @type {HTMLInputElement|null} */ (document.querySelector("input[name=csrfmiddlewaretoken]"));
  return field?.value ?? "";
}

/**
 * @param {string} url @param {"GET"|"POST"|"PATCH"|"DELETE"} method @param {object|FormData} [body]
 * @returns {Promise<any>} the answer's JSON; throws OrderError
 */
export async function ask(url, method, body) {
  const multipart = body instanceof FormData;
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json", "X-CSRFToken": csrf() };
  if (body && !multipart) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(url, { method, headers, credentials: "same-origin", body: multipart ? body : body && JSON.stringify(body) });
  } catch {
    throw new OrderError(NOT_REACHED);
  }
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer;
  throw new OrderError(answer?.error ?? { code: String(response.status), message: `The portal answered ${response.status}. Try again.` });
}

/** What a form says, as the API wants it: numbers as numbers, boxes as booleans, empty fields left out. */
export function bodyOf(/** @type {HTMLFormElement} */ form) {
  const files = /** @type {HTMLInputElement[]} */ ([...form.querySelectorAll("input[type=file]")]).filter((each) => each.files?.length);
  /** @type {Record<string, unknown>} */
  const found = {};
  for (const field of /** @type {Iterable<HTMLInputElement>} */ (form.elements)) {
    if (!field.name || field.name === "csrfmiddlewaretoken" || field.disabled || field.type === "file") continue;
    if (field.type === "checkbox") found[field.name] = field.checked;
    else if (field.type === "radio" && !field.checked) continue;
    else if (field.value.trim() === "") continue;
    else found[field.name] = field.type === "number" || "number" in field.dataset ? Number(field.value) : field.value;
  }
  if (form.dataset.order === "place") return placed(found);
  if (!files.length) return found;
  const parts = new FormData();
  for (const [name, value] of Object.entries(found)) parts.set(name, String(value));
  for (const input of files) if (input.files) parts.set(input.name, input.files[0]);
  return parts;
}

/** A call to place carries its streaming profile, and what is kept of it, in parts of their own. @param {Record<string, unknown>} found */
function placed({ callee, caller, recorded, recogniser, ...streaming }) {
  if ("sample_rate_hz" in streaming) streaming.sample_rate_hz = Number(streaming.sample_rate_hz);
  const recording = { start: recorded ? "now" : "later" };
  return { callee, ...(caller ? { caller } : {}), streaming, recording, transcript: { recogniser: recogniser ?? "" } };
}

/** Follows an order where no live event tells of it: until done or failed, at most 12 s. @param {any} command */
export async function follow(command) {
  for (const pause of [700, 1_500, 3_000, 3_000, 4_000]) {
    if (!command?.id || !("verb" in command) || command.state === "done") return;
    if (command.state === "failed") break;
    await new Promise((done) => setTimeout(done, pause));
    command = await ask(`/api/v1/commands/${command.id}/`, "GET").catch(() => null);
  }
  if (command?.state === "failed") toast(command.error?.message ?? "The order failed.", "bad");
}

/** Shows a fault in the form's own place, or as a toast. @param {HTMLFormElement} form @param {OrderError} error */
function complain(form, error) {
  const place = /** @type {HTMLElement|null} */ (form.querySelector("[data-fault]"));
  for (const [name, words] of Object.entries(error.fault.fields ?? {})) {
    const field = form.elements.namedItem(name);
    if (field instanceof HTMLElement) {
      field.setAttribute("aria-invalid", "true");
      field.title = String(words);
    }
  }
  if (!place) return toast(error.message, "bad");
  place.replaceChildren(icon("trouble", "icon-14"), make("span", {}, [error.message]));
  place.hidden = false;
}

/** @param {HTMLFormElement} form @param {HTMLElement|null} button */
export async function order(form, button) {
  const url = button?.dataset.api ?? form.dataset.api;
  if (!url) return;
  const fault = /** @type {HTMLElement|null} */ (form.querySelector("[data-fault]"));
  if (fault) fault.hidden = true;
  for (const each of form.querySelectorAll("[aria-invalid]")) each.removeAttribute("aria-invalid");
  const verb = button?.dataset.verb ?? form.dataset.order ?? "";
  const detail = { verb, form, button };
  form.dispatchEvent(new CustomEvent("asked", { bubbles: true, detail }));
  try {
    const answer = await ask(url, "POST", form.dataset.api ? bodyOf(form) : undefined);
    form.dispatchEvent(new CustomEvent("ordered", { bubbles: true, detail: { ...detail, answer } }));
  } catch (error) {
    if (!(error instanceof OrderError)) throw error;
    form.dispatchEvent(new CustomEvent("refused", { bubbles: true, cancelable: true, detail: { ...detail, fault: error.fault } })) &&
      complain(form, error);
  }
}

/** @type {{form: HTMLFormElement, button: HTMLElement}|null} */
let unconfirmed = null;

document.addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  const button = /** @type {SubmitEvent} */ (event).submitter;
  if (!form.dataset.api && !button?.dataset.api) return;
  event.preventDefault();
  if (button?.getAttribute("aria-disabled") === "true") {
    toast(button.title || "This is not possible now.", "wait");
    return;
  }
  const dialog = button?.dataset.confirm && /** @type {HTMLDialogElement|null} */ (document.getElementById(button.dataset.confirm));
  if (dialog && button) {
    unconfirmed = { form, button };
    dialog.showModal();
  } else order(form, button);
});

document.addEventListener("click", (event) => {
  const yes = event.target instanceof Element && event.target.closest("[data-confirmed]");
  if (!yes) return;
  yes.closest("dialog")?.close();
  if (unconfirmed) order(unconfirmed.form, unconfirmed.button);
  unconfirmed = null;
});
