// <acs-call>: the page of one live call, moved by the socket /ws/calls/<id>/. When the call ends it becomes the page of its past.

import "./lanes.js";
import { slot, symbol, write } from "../dom.js";
import { showLink } from "../link.js";
import { LiveSocket } from "../live.js";
import * as looks from "../looks.js";
import { setClock } from "../widgets/marks.js";
import { toast } from "../widgets/toast.js";
import { clock } from "../words.js";
import { paintTags, tellNote } from "./annotations.js";
import { Bar } from "./bar.js";
import { Events, ofCommand, ofEvent, ofInjection } from "./events.js";
import { Orders } from "./orders.js";
import { People } from "./people.js";
import { Queue } from "./queue.js";
import { RecordingPanel } from "./recording.js";
import { Say } from "./say.js";
import { StreamPanel } from "./stream.js";
import { watchTalk } from "./talk.js";
import { Transcript } from "./transcript.js";

class AcsCall extends HTMLElement {
  connectedCallback() {
    this.call = this.dataset.call ?? "";
    this.seq = -1;
    this.aheadMs = 0;
    /** @type {looks.Row|null} */
    this.row = null;
    /** @type {looks.Playing|null} */
    this.playing = null;
    /** Since the newest frame came. */
    this.age_ms = 0;
    this.people = new People(this);
    this.stream = new StreamPanel(this);
    this.recording = new RecordingPanel(this);
    this.events = new Events(this);
    this.transcript = new Transcript(this);
    this.say = new Say(this);
    this.queue = new Queue(this, (text) => this.say?.again(text));
    this.orders = new Orders(this);
    this.bar = new Bar();
    this.lanes = /** @type {import("./lanes.js").AcsLanes} */ (this.querySelector("acs-lanes"));
    this.wireTabs();
    this.wireSocket();
    for (const kind of ["asked", "refused"])
      document.addEventListener(kind, (event) => this.bar?.order(/** @type {CustomEvent} */ (event).detail.verb, kind === "asked" ? "asked" : "failed"));
    watchTalk(this, () => Boolean(this.row?.connected_at));
    this.ticker = setInterval(() => this.tick(), 1_000);
  }

  disconnectedCallback() {
    clearInterval(this.ticker);
    this.socket?.leave();
  }

  wireSocket() {
    const socket = (this.socket = new LiveSocket(this.dataset.socket ?? ""));
    socket.addEventListener("snapshot", (event) => this.restart(/** @type {CustomEvent} */ (event).detail));
    socket.addEventListener("levels", (event) => this.hear(/** @type {CustomEvent} */ (event).detail));
    for (const kind of ["call_state", "stream_state", "injection_state", "command", "event", "dtmf", "segment", "recording", "azure_recording", "note"])
      socket.addEventListener(kind, (event) => this.take(/** @type {CustomEvent} */ (event).detail));
    showLink(socket, (lost) => this.lose(lost));
    socket.open();
  }

  /** @param {any} snapshot */
  restart(snapshot) {
    if (!snapshot.row) return;
    this.seq = snapshot.seq;
    this.aheadMs = Date.parse(snapshot.at) - Date.now();
    setClock(this.aheadMs);
    this.paint(snapshot.row);
    this.stream?.paint(snapshot.streams, snapshot.row.streaming.error, snapshot.row.connected_at);
    this.queue?.restart(snapshot.injections);
    for (const event of [...snapshot.events].reverse()) this.events?.tell(ofEvent(event, this.call ?? ""));
    this.orders?.take(snapshot.commands);
    for (const command of snapshot.commands) this.events?.tell(ofCommand(command));
    for (const injection of snapshot.injections) this.events?.tell(ofInjection(injection));
    this.transcript?.restart(snapshot.segments, snapshot.injections, this.start);
    this.lanes?.remember(snapshot.history);
    this.stream?.remember(snapshot.history.health);
    this.hear(snapshot);
    this.tick();
  }

  /** A numbered event: taken in order, and after a gap the whole state is asked for. @param {any} message */
  take(message) {
    if (this.seq < 0 || message.seq <= this.seq) return;
    if (message.seq > this.seq + 1) {
      this.seq = -1;
      this.socket?.snapshot();
      return;
    }
    this.seq = message.seq;
    if (message.kind === "call_state") this.paint(message.row);
    else if (message.kind === "stream_state") this.stream?.paint([message.stream], this.row?.streaming.error ?? "", this.row?.connected_at ?? null);
    else if (message.kind === "event") this.events?.tell(ofEvent(message.event, this.call ?? ""), true);
    else if (message.kind === "recording" || message.kind === "azure_recording") this.recording?.renew();
    else if (message.kind === "note") tellNote(message.note, message.gone);
    else if (message.kind === "segment") this.transcript?.take(message.segment);
    else if (message.kind === "dtmf") toast(`A key was pressed: ${message.tone}`);
    else if (message.kind === "command") this.command(message.command);
    else if (message.kind === "injection_state") {
      this.queue?.take(message.injection);
      this.transcript?.sound(message.injection);
      this.events?.tell(ofInjection(message.injection), true);
    }
  }

  /** @param {import("./events.js").Command} command */
  command(command) {
    this.bar?.order(command.verb, command.state);
    this.orders?.take([command]);
    this.events?.tell(ofCommand(command), true);
    if (command.state === "failed" && command.error) toast(command.error.message, "bad");
  }

  /** Second 0 of the call. */
  get start() {
    const row = this.row;
    return Date.parse(row?.connected_at ?? row?.ringing_at ?? row?.created_at ?? "");
  }

  /** @param {looks.Row} row */
  paint(row) {
    this.row = row;
    this.events?.rebase(this.start);
    this.dataset.phase = looks.phase(row);
    this.dataset.streaming = row.streaming.state;
    write(slot(this, "title"), row.title);
    slot(this, "time").dataset.since = looks.countsFrom(row);
    this.people?.paint(row);
    this.lanes?.seat(this.people?.voices ?? []);
    this.say?.allow(row.may.speak);
    this.bar?.paint(row);
    this.transcript?.paint(row);
    paintTags(row.tags);
    this.recording?.paint(row);
    this.look();
    if (!looks.isLive(row)) this.end();
  }

  /** The chip in the head and the sentence below it. */
  look() {
    if (!this.row) return;
    const look = this.playing ? looks.LOOKS.us : looks.LOOKS[looks.lookName(this.row)];
    const { state, error } = this.row.streaming;
    const stalled = !this.playing && state === "streaming" && this.age_ms >= looks.STALLED_MS;
    const chip = slot(this, "state");
    chip.dataset.tone = stalled ? "wait" : look.tone;
    symbol(slot(chip, "icon"), stalled ? "warning" : look.icon);
    write(slot(chip, "word"), look.word);
    const reason = (looks.isLive(this.row) && state === "failed" && error) || look.reason;
    write(slot(this, "reason"), this.playing ? "" : stalled ? looks.stallWords(this.age_ms) : reason);
  }

  /** @param {{levels: Record<string, any>, health: any, playing: looks.Playing|null}} message */
  hear(message) {
    const before = Math.floor(this.age_ms / looks.STALLED_MS);
    this.age_ms = message.health?.frame_age_ms ?? 0;
    const changed = Boolean(this.playing) !== Boolean(message.playing) || before !== Math.floor(this.age_ms / looks.STALLED_MS);
    this.playing = message.playing ?? null;
    this.people?.hear(message.levels, this.playing);
    this.lanes?.hear(message.levels);
    this.stream?.hear(message.health);
    this.queue?.hear(this.playing);
    this.bar?.hear(this.playing);
    if (changed) this.look();
  }

  tick() {
    const time = slot(this, "time");
    const passed = (Date.now() + this.aheadMs - Date.parse(time.dataset.since ?? "")) / 1000;
    if (!this.lost && time.dataset.since) write(time, clock(passed));
    if (this.row?.state === "connected") this.stream?.tick(passed);
    this.queue?.tick();
    this.bar?.tick();
    this.recording?.tick();
    if (this.row?.sensitive) this.look();
  }

  /** @param {boolean} lost */
  lose(lost) {
    this.lost = lost;
    this.dataset.link = lost ? "lost" : "connected";
    this.people?.lose(lost);
    this.bar?.lose(lost);
    this.transcript?.lose(lost);
    this.say?.allow(lost ? "There is no connection to the portal." : (this.row?.may.speak ?? ""));
  }

  /** The page of a call's past is another page: it is fetched once the portal has written the end. */
  end() {
    clearInterval(this.ticker);
    this.socket?.leave();
    toast(this.row?.end?.text || "The call is over.");
    setTimeout(() => location.reload(), 1_200);
  }

  wireTabs() {
    const tabs = /** @type {HTMLElement[]} */ ([...this.querySelectorAll("[data-shows-tab]")]);
    for (const tab of tabs)
      tab.addEventListener("click", () => {
        this.dataset.tab = tab.dataset.showsTab;
        for (const each of tabs) each.setAttribute("aria-selected", String(each === tab));
        this.lanes?.fit();
        this.transcript?.catchUp();
      });
  }
}

customElements.define("acs-call", AcsCall);
