// The sound of a call: one <audio> for each track of the take that is played, kept together, on the call's own clock.

/** @typedef {{id: string, offset_s: number, duration_s: number, peaks: string, audio: string}} Track */

const TOGETHER_S = 0.06;
const LOOK_MS = 100;

export class Tape extends EventTarget {
  /** @param {{raw_id: string, tracks: Track[]}[]} lanes @param {number} duration */
  constructor(lanes, duration) {
    super();
    this.duration = duration;
    this.tracks = lanes.flatMap((lane) => lane.tracks.map((track) => ({ ...track, lane: lane.raw_id })));
    this.at = 0;
    this.rate = 1;
    this.playing = false;
    /** Lanes that are heard; null is all of them. @type {(lane: string) => boolean} */
    this.heard = () => true;
    /** @type {[number, number][]} where somebody speaks, for skipping what lies between */
    this.talk = [];
    this.skips = false;
    /** @type {Map<string, HTMLAudioElement>} */
    this.players = new Map();
    this.failed = "";
  }

  get hasSound() {
    return this.tracks.length > 0;
  }

  /** The tracks that sound at this moment. @param {number} at */
  under(at) {
    return this.tracks.filter((track) => at >= track.offset_s && at < track.offset_s + track.duration_s);
  }

  play() {
    if (this.playing || !this.hasSound) return;
    if (this.at >= this.duration - 0.05) this.at = 0;
    if (!this.under(this.at).length) this.at = this.nextSound(this.at) ?? this.nextSound(0) ?? 0;
    this.playing = true;
    this.failed = "";
    this.looked = performance.now();
    this.ticker = setInterval(() => this.look(), LOOK_MS);
    this.gather();
    this.tell();
  }

  pause() {
    this.playing = false;
    clearInterval(this.ticker);
    for (const player of this.players.values()) player.pause();
    this.tell();
  }

  /** @param {number} at */
  seek(at) {
    this.at = Math.min(Math.max(0, at), this.duration);
    this.gather(true);
    this.tell();
  }

  /** @param {number} rate */
  speed(rate) {
    this.rate = rate;
    for (const player of this.players.values()) player.playbackRate = rate;
    this.tell();
  }

  /** @param {(lane: string) => boolean} heard */
  hear(heard) {
    this.heard = heard;
    for (const track of this.tracks) {
      const player = this.players.get(track.id);
      if (player) player.muted = !heard(track.lane);
    }
  }

  nextSound(at) {
    const later = this.tracks.map((track) => track.offset_s).filter((offset) => offset > at);
    return later.length ? Math.min(...later) : null;
  }

  /** Ten times a second: the first track that plays is the clock, the others follow it. */
  look() {
    const now = performance.now();
    const passed = ((now - (this.looked ?? now)) / 1000) * this.rate;
    this.looked = now;
    const sounding = this.under(this.at).map((track) => ({ track, player: this.players.get(track.id) }));
    const lead = sounding.find(({ player }) => player && !player.paused && !player.seeking && player.readyState >= 2);
    if (lead?.player) this.at = Math.max(this.at, lead.track.offset_s + lead.player.currentTime);
    else if (!sounding.length) this.at += passed; // between two takes the clock goes on by itself
    if (lead?.player) {
      for (const { track, player } of sounding) {
        if (!player || player === lead.player || player.seeking) continue;
        const off = track.offset_s + player.currentTime - this.at;
        if (Math.abs(off) > TOGETHER_S) player.currentTime = this.at - track.offset_s;
      }
    }
    if (this.skips) this.skip();
    if (this.at >= this.duration - 0.02) {
      this.at = this.duration;
      this.pause();
      return;
    }
    this.gather();
    this.tell();
  }

  /** Jumps over what nobody says anything in, when it is longer than a breath. */
  skip() {
    const at = this.at;
    if (this.talk.some(([from, until]) => at >= from - 0.3 && at <= until + 0.3)) return;
    const next = this.talk.find(([from]) => from > at);
    const to = next ? next[0] - 0.2 : this.duration;
    if (to - at > 1) this.seek(to);
  }

  /** Plays what sounds at this moment and nothing else. @param {boolean} [moved] */
  gather(moved = false) {
    const wanted = this.under(this.at);
    const keep = new Set(wanted.map((track) => track.id));
    for (const [id, player] of this.players) if (!keep.has(id)) player.pause();
    if (!this.playing && !moved) return;
    for (const track of wanted) {
      const player = this.players.get(track.id) ?? this.open(track);
      const place = this.at - track.offset_s;
      if (moved || Math.abs(player.currentTime - place) > 1) player.currentTime = place;
      player.playbackRate = this.rate;
      player.muted = !this.heard(track.lane);
      if (this.playing && player.paused) player.play().catch((error) => this.stumble(error));
    }
  }

  /** @param {Track & {lane: string}} track */
  open(track) {
    const player = new Audio();
    player.preload = "metadata";
    player.preservesPitch = true;
    player.src = track.audio;
    player.addEventListener("error", () => this.stumble(player.error));
    this.players.set(track.id, player);
    return player;
  }

  /** @param {any} error */
  stumble(error) {
    if (error?.name === "AbortError" || !this.playing) return;
    this.failed = error?.name === "NotAllowedError" ? "The browser wants a click before it plays sound." : "A track cannot be played. It may have been deleted.";
    this.pause();
  }

  tell() {
    this.dispatchEvent(new Event("moved"));
  }
}
