// Rows that make room for others slide to their new place, so that the eye can follow and nothing jumps.

const SLIDE_MS = 150;
const noMotion = matchMedia("(prefers-reduced-motion: reduce)");
/** @type {WeakMap<Element, Animation>} */
const sliding = new WeakMap();

/** Where each group stands, and each row within its group. @param {Element} wall @returns {Map<Element, [Element, number]>} */
function places(wall) {
  const found = new Map();
  for (const group of wall.querySelectorAll(".group:not([hidden])")) {
    const { top } = group.getBoundingClientRect();
    found.set(group, [wall, top]);
    for (const row of group.querySelectorAll(".row:not([hidden])")) found.set(row, [group, row.getBoundingClientRect().top - top]);
  }
  return found;
}

/**
 * Runs `change` and lets what it moved slide from where it stood.
 * Of a page that is scrolled the browser itself keeps in place what is read.
 * @param {Element} wall @param {() => void} change
 */
export function slide(wall, change) {
  if (noMotion.matches || document.hidden || scrollY > 0) return change();
  const before = places(wall);
  change();
  for (const element of before.keys()) sliding.get(element)?.cancel();
  for (const [element, [parent, top]] of places(wall)) {
    const [oldParent, oldTop] = before.get(element) ?? [parent, top];
    if (parent !== oldParent || Math.abs(oldTop - top) < 0.5) continue;
    const frames = [{ translate: `0 ${oldTop - top}px` }, { translate: "0 0" }];
    sliding.set(element, element.animate(frames, { duration: SLIDE_MS, easing: "ease-out" }));
  }
}
