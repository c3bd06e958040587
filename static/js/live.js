// One socket to the portal: says what arrives, notices loss, comes back by itself with a new snapshot.

const FIRST_TRY_MS = 500;
const LAST_TRY_MS = 10_000;
const QUIET_MS = 15_000;
const ANSWER_MS = 5_000;

/**
 * Events: one per `kind` of the portal's messages (detail: the message), and `link` whenever the state changes.
 * State: "connecting", "connected", "lost" or "refused".
 */
export class LiveSocket extends EventTarget {
  /** @param {string} path */
  constructor(path) {
    super();
    this.path = path;
    this.state = "connecting";
    this.lostAt = Date.now();
    /** When the next try starts, ms since the epoch. */
    this.nextTryAt = 0;
    this.heardAt = 0;
    /** When the portal last said something, ms since the epoch: what is shown is true as of then. */
    this.toldAt = Date.now();
    this.tries = 0;
    /** @type {WebSocket|null} */
    this.socket = null;
    this.timer = 0;
    this.watch = 0;
    addEventListener("online", () => this.retry());
    addEventListener("pagehide", () => this.leave());
    addEventListener("pageshow", (event) => event.persisted && this.open());
  }

  open() {
    clearTimeout(this.timer);
    this.leave();
    const address = new URL(this.path, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = (this.socket = new WebSocket(address));
    socket.onmessage = (event) => this.take(JSON.parse(event.data));
    socket.onclose = (event) => this.closed(event.code);
    clearInterval(this.watch);
    this.heardAt = Date.now();
    this.watch = setInterval(() => this.lookForLife(), 1_000);
  }

  /** Tries at once instead of waiting. */
  retry() {
    if (this.state !== "connected" && this.state !== "refused") this.open();
  }

  leave() {
    clearInterval(this.watch);
    if (!this.socket) return;
    this.socket.onclose = this.socket.onmessage = null;
    this.socket.close();
    this.socket = null;
  }

  /** Asks for the whole state anew, after a gap in the numbers. */
  snapshot() {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send('{"kind":"snapshot"}');
  }

  /** Levels of these calls only from now on, the others are not on the screen. @param {string[]} calls */
  show(calls) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ kind: "show", calls }));
  }

  /** @param {{kind: string}} message */
  take(message) {
    this.heardAt = this.toldAt = Date.now();
    if (message.kind === "snapshot" && this.state !== "connected") {
      this.tries = 0;
      this.become("connected");
    }
    this.dispatchEvent(new CustomEvent(message.kind, { detail: message }));
  }

  /** A socket can be dead without saying so: silence is asked about, and then believed. */
  lookForLife() {
    const quiet = Date.now() - this.heardAt;
    if (quiet > QUIET_MS + ANSWER_MS || (quiet > ANSWER_MS && this.socket?.readyState === WebSocket.CONNECTING)) {
      this.leave();
      this.closed(1006);
    } else if (quiet > QUIET_MS) {
      this.snapshot();
    }
  }

  /** @param {number} code */
  closed(code) {
    clearInterval(this.watch);
    this.socket = null;
    if (code === 4401) {
      location.assign(`/login/?next=${encodeURIComponent(location.pathname)}`);
      return;
    }
    if (code === 4403) {
      this.become("refused");
      return;
    }
    if (this.state === "connected") this.lostAt = Date.now();
    const pause = Math.min(LAST_TRY_MS, FIRST_TRY_MS * 2 ** this.tries) * (0.7 + 0.6 * Math.random());
    this.tries += 1;
    this.nextTryAt = Date.now() + pause;
    this.timer = setTimeout(() => this.open(), pause);
    this.become("lost");
  }

  /** @param {string} state */
  become(state) {
    this.state = state;
    this.dispatchEvent(new Event("link"));
  }
}
