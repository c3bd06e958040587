// Rings the portal and shows the calls of this emulator, read anew every second.

const POLL_MS = 1000;
const list = document.getElementById("calls");
const template = document.getElementById("call");
const said = document.getElementById("said");
const rows = new Map();

async function ask(path, order) {
  const options = order === undefined ? {} : {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(order),
  };
  const answer = await fetch(path, options);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error.message);
  return body;
}

function say(text) {
  said.textContent = text;
}

function heardUrl(id) {
  return `/emulator/calls/${id}/heard.wav`;
}

// The file grows while the portal speaks: a player that rests is pointed at the newest one.
function renewPlayer(player, call) {
  const heard = `${heardUrl(call.id)}?frames=${call.streaming.frames_received}&state=${call.state}`;
  const rests = player.paused && (player.currentTime === 0 || player.ended);
  if (rests && player.getAttribute("src") !== heard) player.src = heard;
}

function makeRow(id) {
  const row = template.content.firstElementChild.cloneNode(true);
  row.querySelector("a").href = heardUrl(id);
  row.querySelector(".hang-up").addEventListener("click", () => {
    ask(`/emulator/calls/${id}/hang-up`, {}).catch((error) => say(error.message));
  });
  return row;
}

function factsOf(call) {
  const streaming = call.streaming;
  const facts = [`scenario ${call.scenario}`];
  if (streaming.sample_rate_hz) {
    facts.push(
      `${streaming.state}, ${streaming.channel_type} at ${streaming.sample_rate_hz / 1000} kHz`,
      `${streaming.frames_sent} frames sent`, `${streaming.frames_received} received`,
      `${streaming.queued_ms} ms queued (most ${streaming.max_queued_ms})`, `${streaming.underruns} underruns`,
    );
  }
  if (call.end) facts.push(`${call.end.code}/${call.end.subcode} ${call.end.message}`);
  return facts.join(" · ");
}

function show(call) {
  if (!rows.has(call.id)) {
    rows.set(call.id, makeRow(call.id));
    list.prepend(rows.get(call.id));
  }
  const row = rows.get(call.id);
  row.dataset.state = call.state;
  row.querySelector(".route").textContent = `${call.caller} → ${call.callee}`;
  row.querySelector(".state").textContent = call.state;
  row.querySelector(".facts").textContent = factsOf(call);
  row.querySelector(".hang-up").hidden = call.state === "ended";
  const canListen = Boolean(call.connected_at && call.streaming.sample_rate_hz);
  row.querySelector(".heard").hidden = !canListen;
  if (canListen) renewPlayer(row.querySelector("audio"), call);
}

async function refresh() {
  try {
    const { results } = await ask("/emulator/calls");
    document.getElementById("none").hidden = results.length > 0;
    results.reverse().forEach(show);
  } catch {
    say("The emulator does not answer.");
  }
  setTimeout(refresh, POLL_MS);
}

document.getElementById("ring").addEventListener("submit", async (event) => {
  event.preventDefault();
  const order = Object.fromEntries([...new FormData(event.target)].filter(([, value]) => value));
  try {
    await ask("/emulator/calls", order);
    say("Ringing.");
  } catch (error) {
    say(error.message);
  }
});

const { results: scenarios } = await ask("/emulator/scenarios");
document.getElementById("scenarios").append(
  ...scenarios.map(({ name, title }) => new Option(title, name, name === "support")),
);
refresh();
