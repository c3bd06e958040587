// What the page says about its own connection: the word in the top bar and the bar below it.

import { slot, symbol, write } from "./dom.js";
import { timeOfDay } from "./words.js";

const PATIENCE_MS = 1_500;

/**
 * @param {import("./live.js").LiveSocket} socket
 * @param {(lost: boolean) => void} changed told once when the page loses its truth and once when it has it again
 */
export function showLink(socket, changed) {
  const state = document.getElementById("link-state");
  const bar = document.getElementById("lost");
  let lost = false;
  const paint = () => {
    const connected = socket.state === "connected";
    const gone = !connected && (socket.state === "refused" || Date.now() - socket.lostAt > PATIENCE_MS);
    if (gone !== lost) {
      lost = gone;
      changed(lost);
    }
    if (state) {
      state.hidden = false;
      state.dataset.state = gone ? "lost" : socket.state;
      symbol(state.querySelector("use"), gone ? "offline" : connected ? "check" : "clock");
      write(state.querySelector(".word"), gone ? "Portal not reached" : connected ? "Connected" : "Connecting");
    }
    if (!bar) return;
    bar.hidden = !gone;
    if (!gone) return;
    const refused = socket.state === "refused";
    const wait = Math.max(0, Math.ceil((socket.nextTryAt - Date.now()) / 1000));
    write(slot(bar, "since"), refused ? "You may not see this live." : `No connection to the portal for ${Math.round((Date.now() - socket.lostAt) / 1000)} s.`);
    write(slot(bar, "as-of"), `You see the state of ${timeOfDay(new Date(socket.toldAt))}, levels are not shown. ${refused ? "The call is gone, or you lack the permission to view calls." : wait ? `Next try in ${wait} s.` : "Trying now."}`);
  };
  socket.addEventListener("link", paint);
  setInterval(paint, 500);
  bar?.querySelector("[data-reconnect]")?.addEventListener("click", () => socket.retry());
}
