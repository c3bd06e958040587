// Small things done to elements everywhere.

const ICONS = /** @type {HTMLMetaElement} */ (document.querySelector("meta[name=icons]")).content;

/** @param {ParentNode} root @param {string} name */
export const slot = (root, name) => /** @type {HTMLElement} */ (root.querySelector(`[data-slot="${name}"]`));

/** Writes only what changed, so that nothing is laid out in vain. @param {Element|null} element @param {string} text */
export function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

/** Points a <use> at another symbol. @param {Element|null} use @param {string} name */
export function symbol(use, name) {
  const href = `${ICONS}#${name}`;
  if (use && use.getAttribute("href") !== href) use.setAttribute("href", href);
}

/** @param {string} name @param {string} [extra] a new icon */
export function icon(name, extra = "") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", `icon ${extra}`);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  symbol(use, name);
  svg.append(use);
  return svg;
}

/**
 * A new element. @param {string} tag @param {Record<string, string>} [attributes] @param {(Node|string)[]} [inside]
 */
export function make(tag, attributes = {}, inside = []) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...inside);
  return element;
}

/** A <template>'s copy with the blank call id replaced. @param {string} id @param {string} [call] */
export function copyOf(id, call = "") {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  // Imported, not cloned: a template's own document knows no custom elements, and a meter must hear before it is shown.
  const element = /** @type {HTMLElement} */ (document.importNode(/** @type {Element} */ (template.content.firstElementChild), true));
  if (call) {
    for (const each of [element, ...element.querySelectorAll("*")])
      for (const attribute of each.attributes) attribute.value = attribute.value.replace(BLANK, call);
  }
  return element;
}

const BLANK = "00000000-0000-0000-0000-000000000000";

/** Makes a verb impossible, with the reason, or possible again. @param {HTMLElement} button @param {string} reason */
export function forbid(button, reason) {
  button.dataset.title ??= button.title;
  if (reason) button.setAttribute("aria-disabled", "true");
  else button.removeAttribute("aria-disabled");
  const title = reason || button.dataset.title || "";
  if (button.title !== title) button.title = title;
}
