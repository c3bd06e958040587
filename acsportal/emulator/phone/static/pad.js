// The twelve keys, by pointer and by keyboard.

const LETTERS = ["", "ABC", "DEF", "GHI", "JKL", "MNO", "PQRS", "TUV", "WXYZ", "", "+", ""];
const KEYS = [..."123456789*0#"];
const NAMES = { "*": "star", "#": "hash" };
const LIT_MS = 150;

function isTyping(target) {
  return target instanceof Element && target.closest("input, select, textarea, [contenteditable]") !== null;
}

/**
 * @param {HTMLElement} pad
 * @param {{press: (key: string) => void, long: (key: string) => void, verb: (name: string) => void}} told
 */
export function wirePad(pad, told) {
  const template = document.getElementById("key");
  const buttons = new Map();
  KEYS.forEach((key, at) => {
    const button = template.content.firstElementChild.cloneNode(true);
    button.querySelector(".digit").textContent = key;
    button.querySelector(".letters").textContent = LETTERS[at];
    button.dataset.key = key;
    if (NAMES[key]) button.setAttribute("aria-label", NAMES[key]);
    button.addEventListener("click", () => told.press(key));
    buttons.set(key, button);
    pad.append(button);
  });
  wirePlus(buttons.get("0"), told);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || isTyping(event.target)) return;
    if (buttons.has(event.key)) {
      light(buttons.get(event.key));
      told.press(event.key);
    } else if (!(event.key === "Enter" && event.target instanceof HTMLButtonElement)) {
      told.verb(event.key);
    }
  });
}

/** Held down, 0 is +, as on every phone. */
function wirePlus(button, told) {
  let timer = 0;
  button.addEventListener("pointerdown", () => (timer = setTimeout(() => told.long("+"), 600)));
  for (const event of ["pointerup", "pointerleave"]) button.addEventListener(event, () => clearTimeout(timer));
}

function light(button) {
  button.classList.add("lit");
  setTimeout(() => button.classList.remove("lit"), LIT_MS);
}
