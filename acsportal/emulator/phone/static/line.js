// The socket to the emulator: verbs there, words and sound back. It comes back by itself, to the same phone if it may.

const RETRY_MS = 1000;
const MOST_WAITING = 64_000;

function remembered(name) {
  try {
    return sessionStorage.getItem(name);
  } catch {
    return null;
  }
}

function remember(name, value) {
  try {
    sessionStorage.setItem(name, value);
  } catch {
    // Storage is forbidden here: the phone has a new number after each reload.
  }
}

export class Line extends EventTarget {
  connect() {
    this.unsent = 0;
    this.socket = new WebSocket(`ws://${location.host}/emulator/phone`);
    this.socket.binaryType = "arraybuffer";
    this.socket.addEventListener("open", () => {
      this.send("hello", { phone: remembered("phone"), number: remembered("number") });
    });
    this.socket.addEventListener("message", ({ data }) => this.hear(data));
    this.socket.addEventListener("close", () => {
      this.say("link", { up: false });
      setTimeout(() => this.connect(), RETRY_MS);
    });
  }

  get isUp() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  /** @param {string} verb */
  send(verb, facts = {}) {
    if (this.isUp) this.socket.send(JSON.stringify({ verb, ...facts }));
  }

  /** A frame is dropped rather than kept when the socket does not keep up. @param {ArrayBuffer} pcm */
  speak(pcm) {
    if (!this.isUp) return;
    if (this.socket.bufferedAmount > MOST_WAITING) this.unsent += 1;
    else this.socket.send(pcm);
  }

  hear(data) {
    if (data instanceof ArrayBuffer) {
      this.say("sound", { pcm: data });
      return;
    }
    const told = JSON.parse(data);
    if (told.kind === "phone") {
      remember("phone", told.id);
      remember("number", told.number);
      this.say("link", { up: true });
    }
    this.say(told.kind, told);
  }

  say(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }
}
