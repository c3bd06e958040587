// What a telephone itself sounds like: keys, ringing, the far end ringing. Heard by the person alone.

const ROWS = [697, 770, 852, 941];
const COLUMNS = [1209, 1336, 1477];
const KEYS = "123456789*0#";
const RINGBACK = { tones: [440, 480], on_s: 2, off_s: 4, gain: 0.03 };
const BELL = { tones: [480, 620], on_s: 1, off_s: 2, gain: 0.06 };
const KEY_S = 0.12;

/** @param {AudioContext} context */
function burst(context, tones, at_s, length_s, gain) {
  const volume = new GainNode(context, { gain: 0 });
  volume.gain.setValueAtTime(0, at_s);
  volume.gain.linearRampToValueAtTime(gain, at_s + 0.01);
  volume.gain.setValueAtTime(gain, at_s + length_s - 0.01);
  volume.gain.linearRampToValueAtTime(0, at_s + length_s);
  volume.connect(context.destination);
  for (const frequency of tones) {
    const tone = new OscillatorNode(context, { frequency });
    tone.connect(volume);
    tone.start(at_s);
    tone.stop(at_s + length_s);
  }
  return volume;
}

/** @param {AudioContext|undefined} context @param {string} key */
export function key(context, key) {
  const place = KEYS.indexOf(key);
  if (!context || place < 0) return;
  burst(context, [ROWS[Math.floor(place / 3)], COLUMNS[place % 3]], context.currentTime, KEY_S, 0.05);
}

/** Rings until the returned function is called. @param {AudioContext} context @param {"bell"|"ringback"} what */
export function ring(context, what) {
  const { tones, on_s, off_s, gain } = what === "bell" ? BELL : RINGBACK;
  let sounding = burst(context, tones, context.currentTime + 0.05, on_s, gain);
  const again = () => (sounding = burst(context, tones, context.currentTime + 0.01, on_s, gain));
  const timer = setInterval(again, (on_s + off_s) * 1000);
  return () => (clearInterval(timer), sounding.disconnect());
}
