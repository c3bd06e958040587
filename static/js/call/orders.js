// The orders given to a call, newest first, each from asked to done. Markup: templates/widgets/order_steps.html.

import { icon, make, slot } from "../dom.js";
import { VERB_WORDS } from "./events.js";

const MOST = 6;
const STATES = ["queued", "accepted", "done"];
const WORDS = ["Asked", "Accepted", "Done"];

/** @typedef {import("./events.js").Command} Command */

/** @param {Command} command word, place and tone of each step @returns {[string, string, string][]} */
function steps(command) {
  if (command.state === "failed") {
    /** @type {[string, string, string][]} */
    const accepted = command.accepted_at ? [["Accepted", "past", ""]] : [];
    return [["Asked", "past", ""], ...accepted, ["Failed", "now", "bad"]];
  }
  const at = STATES.indexOf(command.state);
  return WORDS.map((word, each) => [word, each < at ? "past" : each === at ? "now" : "next", each === 2 && at === 2 ? "ok" : ""]);
}

export class Orders {
  /** @param {HTMLElement} page */
  constructor(page) {
    this.list = slot(page, "orders");
    /** @type {Map<string, Command>} */
    this.commands = new Map();
  }

  /** @param {Command[]} commands */
  take(commands) {
    for (const command of commands) this.commands.set(command.id, command);
    const newest = [...this.commands.values()].sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at)).slice(0, MOST);
    this.list.replaceChildren(...newest.map((command) => this.row(command)));
  }

  /** @param {Command} command */
  row(command) {
    const line = steps(command).map(([word, step, tone]) => {
      const item = make("li", { "data-step": step, ...(tone ? { "data-tone": tone } : {}) }, [word]);
      const mark = step === "past" || tone === "ok" ? "check" : tone === "bad" ? "trouble" : step === "now" ? "clock" : "";
      if (mark) item.prepend(icon(mark));
      return item;
    });
    const row = make("li", { class: "order" }, [
      make("span", {}, [VERB_WORDS[command.verb]?.[1] ?? command.verb]),
      make("span", { class: "small quiet" }, [command.asked_by]),
      make("ul", { class: "steps" }, line),
    ]);
    if (command.error) row.append(make("p", { class: "small tone-bad" }, [command.error.message]));
    return row;
  }
}
