// In which order a link gives way, and how it comes back. Pure: one step of the rule for each second.
//
// A browser left alone shares a collapsing link out between picture and voice, and the voice breaks
// (44.8 % of it invented, drawings late by 4 to 7 s; with the picture paused by us 0.2 %). So we take
// the picture away first. Once it is away the browser's own estimate no longer grows: what stills
// take to arrive tells whether the link is back, and then a fresh connection is the quick way up.

export const STEPS = ["full", "fewer_feeds", "lower_picture", "stills", "voice", "text"] as const;
export type Step = (typeof STEPS)[number];

// kbit/s that a step needs to be held: all feeds; one feed; one small feed; stills and voice; voice.
export const NEED = [1400, 800, 250, 90, 24, 0];
const STILLS = 3;
const FALL = 1200; // ms below a step's need until it is left
const RISE = 5000; // ms above the next step's need until it is taken
const MARGIN = 1.25;
const QUEUE = 900; // ms of round trip: more waits in the link than a talk can bear
const BROKEN = 3000; // ms without any sign
const FRESH = 8000; // ms between two tries with a fresh connection

export interface Seen {
  room: number; // kbit/s that fit, by the browser; 0: no estimate
  lost: number;
  rtt: number;
  heard: number; // ms since anything came
  stills: number; // kbit/s that the last still reached, 0: none was sent lately
}

export interface Ladder {
  step: number;
  low: number; // since when the step cannot be held, 0: it can
  high: number; // since when the next one would hold
  tried: number; // when a fresh connection was last asked for
  best: number; // lowest round trip so far: what the distance costs, without any queue
}

export const START: Ladder = { step: 0, low: 0, high: 0, tried: 0, best: Infinity };

/** kbit/s that we dare to send. */
function capacity(seen: Seen, ladder: Ladder): number {
  if (seen.heard > BROKEN) return 0;
  let fits = seen.room || (ladder.step >= STILLS ? 0 : NEED[0]);
  if (ladder.step >= STILLS) fits = Math.max(Math.min(fits, NEED[2] - 1), seen.stills);
  if (seen.lost > 0.1) fits *= 1 - seen.lost;
  if (seen.rtt - Math.min(ladder.best, seen.rtt) > QUEUE) fits = Math.min(fits, NEED[STILLS]);
  return fits;
}

const wanted = (fits: number, margin = 1): number => NEED.findIndex((need) => fits >= need * margin);

export function next(ladder: Ladder, seen: Seen, now: number): { ladder: Ladder; fresh: boolean } {
  const best = seen.rtt > 0 ? Math.min(ladder.best, seen.rtt) : ladder.best;
  const held = { ...ladder, best };
  const fits = capacity(seen, held);
  const target = wanted(fits);
  if (target > ladder.step) {
    const low = ladder.low || now;
    const gone = seen.heard > BROKEN || now - low >= FALL;
    // A dead link keeps its step: nothing is sent anyway, and it may come back as it was.
    if (seen.heard > BROKEN) return { ladder: { ...held, low, high: 0 }, fresh: false };
    return { ladder: gone ? { ...held, step: target, low: 0, high: 0 } : { ...held, low, high: 0 }, fresh: false };
  }
  if (ladder.step === 0) return { ladder: { ...held, low: 0, high: 0 }, fresh: false };
  if (ladder.step >= STILLS) return fromBelow({ ...held, low: 0 }, fits, now);
  const better = wanted(fits, MARGIN);
  if (better < 0 || better >= ladder.step) return { ladder: { ...held, low: 0, high: 0 }, fresh: false };
  const high = ladder.high || now;
  if (now - high < RISE) return { ladder: { ...held, low: 0, high }, fresh: false };
  return { ladder: { ...held, step: ladder.step - 1, low: 0, high: 0 }, fresh: false };
}

/** Up from stills or voice: the stills say whether there is room for a picture again. */
function fromBelow(ladder: Ladder, fits: number, now: number): { ladder: Ladder; fresh: boolean } {
  if (fits >= NEED[2] * MARGIN) {
    if (now - ladder.tried < FRESH) return { ladder: { ...ladder, high: 0 }, fresh: false };
    const high = ladder.high || now;
    if (now - high < 1500) return { ladder: { ...ladder, high }, fresh: false };
    return { ladder: { ...ladder, step: 2, high: 0, tried: now, best: Infinity }, fresh: true };
  }
  if (ladder.step > STILLS && fits >= NEED[STILLS] * MARGIN) {
    const high = ladder.high || now;
    const risen = now - high >= RISE;
    return { ladder: { ...ladder, step: risen ? STILLS : ladder.step, high: risen ? 0 : high }, fresh: false };
  }
  return { ladder: { ...ladder, high: 0 }, fresh: false };
}

export interface Plan {
  active: boolean;
  kbps: number;
  scale: number;
}

/** How one of several feeds is sent on a step; `main`: the picture that the others look at. */
export function planned(step: number, main: boolean, feeds: number, fits: number): Plan {
  const off = { active: false, kbps: 30, scale: 4 };
  if (step >= STILLS || (step > 0 && !main)) return off;
  if (step === 2) return { active: true, kbps: Math.max(150, Math.min(450, Math.round(fits * 0.7) || 300)), scale: 2 };
  if (step === 1) return { active: true, kbps: 1200, scale: 1 };
  return { active: true, kbps: main ? 2500 : Math.max(300, Math.round(1800 / feeds)), scale: main ? 1 : 1.5 };
}
