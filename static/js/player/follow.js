// The transcript beside the player: the turn that is heard is marked and kept in sight; its time leads to its sound.

const TURN = "[data-start]";

export class Follow {
  /** @param {ParentNode} page @param {(at: number) => void} onSeek */
  constructor(page, onSeek) {
    this.page = page;
    /** @type {HTMLElement|null} */
    this.now = null;
    page.addEventListener("click", (event) => {
      const time = event.target instanceof Element ? event.target.closest("[data-seeks]") : null;
      const turn = /** @type {HTMLElement|null} */ (time?.closest(TURN) ?? null);
      if (!turn || !(event instanceof MouseEvent) || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      onSeek(Number(turn.dataset.start));
    });
  }

  /** @param {number} at @param {boolean} playing */
  reach(at, playing) {
    const turns = /** @type {HTMLElement[]} */ ([...this.page.querySelectorAll(`.transcript ${TURN}`)]);
    const found = turns.filter((turn) => Number(turn.dataset.start) <= at + 0.05 && at < Number(turn.dataset.end) + 0.3).at(-1) ?? null;
    if (found === this.now) return;
    this.now?.removeAttribute("aria-current");
    this.now = found;
    found?.setAttribute("aria-current", "true");
    const list = found?.closest("[data-scrolls]");
    if (!found || !list || !playing) return;
    const [row, box] = [found.getBoundingClientRect(), list.getBoundingClientRect()];
    if (row.top < box.top || row.bottom > box.bottom) list.scrollTop += row.top - box.top - box.height / 3;
  }

  /** Shows only the turns that say this; how many there are. @param {string} words */
  find(words) {
    const wanted = words.trim().toLowerCase();
    let found = 0;
    for (const turn of /** @type {Iterable<HTMLElement>} */ (this.page.querySelectorAll(`.transcript ${TURN}`))) {
      const fits = !wanted || (turn.textContent ?? "").toLowerCase().includes(wanted);
      turn.hidden = !fits;
      found += fits ? 1 : 0;
    }
    return found;
  }
}
