// Levels for meters that show what a level looks like where no call is: the page of components and the empty wall.

/** @type {Record<string, (t: number) => {rms_dbfs: number, peak_dbfs: number, speaking: boolean, clipping: boolean}>} */
const FEEDS = {
  silence: () => ({ rms_dbfs: -100, peak_dbfs: -100, speaking: false, clipping: false }),
  noise: (t) => ({ rms_dbfs: -52 + Math.sin(t * 5) * 2, peak_dbfs: -45, speaking: false, clipping: false }),
  speech: (t) => ({ rms_dbfs: -24 + Math.sin(t * 7) * 6, peak_dbfs: -14 + Math.sin(t * 5) * 4, speaking: true, clipping: false }),
  us: (t) => ({ rms_dbfs: -18 + Math.sin(t * 6) * 4, peak_dbfs: -10 + Math.sin(t * 4) * 3, speaking: true, clipping: false }),
  clips: (t) => ({ rms_dbfs: -8 + Math.sin(t * 6) * 2, peak_dbfs: 0, speaking: true, clipping: true }),
  agent: (t) => ({ rms_dbfs: -54 + Math.sin(t * 5), peak_dbfs: -48, speaking: false, clipping: false }),
};

/** Moves the sample meters inside `root` as long as they are seen. @param {ParentNode} root */
export function feedSamples(root) {
  const meters = /** @type {import("./meter.js").AcsMeter[]} */ ([...root.querySelectorAll("acs-meter")]);
  return setInterval(() => {
    for (const meter of meters) {
      const feed = FEEDS[meter.dataset.leg ?? ""];
      if (feed && meter.offsetParent) meter.hear({ dc: 0, ...feed(performance.now() / 1000) });
    }
  }, 100);
}
