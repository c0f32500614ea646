// In which order a link gives way, and how it comes back. Pure: one step of the rule for each second.
//
// A browser left alone shares a collapsing link out between picture and voice, and the voice breaks
// (44.8 % of it invented, drawings late by 4 to 7 s; with the picture paused by us 0.2 %). So we take
// the picture away first. Once it is away the browser's own estimate no longer grows: what stills
// take to arrive tells whether the link is back, and then a fresh connection is the quick way up.

export const STEPS = ["full", "fewer_feeds", "lower_picture", "stills", "voice", "text"] as const;
export type Step = (typeof STEPS)[number];

// kbit/s that a step needs to be held: all feeds; one feed; one small feed; stills and voice; voice.
export const NEED = [1400, 800, 250, 60, 24, 0];
const STILLS = 3;
const VOICE = 4;
const TEXT = 5;
const FALL = 900; // ms below a step's need until it is left
const RISE = 4000; // ms above a better step's need until it is taken
const SUNK = 5000; // ms in which not even voice gets through until it is given up
const MARGIN = 1.25;
const QUEUE = 900; // ms of round trip: more waits in the link than a talk can bear
const BROKEN = 3000; // ms without any sign
const YOUNG = 8000; // ms in which a browser still gropes for what fits
const FRESH = 8000; // ms between two tries with a fresh connection

export interface Seen {
  room: number; // kbit/s that fit, by the browser; 0: no estimate
  lost: number;
  rtt: number;
  heard: number; // ms since anything came
  age: number; // ms that this connection has carried
  stills: number; // kbit/s that the last still reached, 0: none was sent lately
}

export interface Ladder {
  step: number;
  low: number; // since when the step cannot be held, 0: it can
  high: number; // since when a better one would hold
  tried: number; // when a fresh connection was last asked for
  best: number; // lowest round trip so far: what the distance costs, without any queue
}

export const START: Ladder = { step: 0, low: 0, high: 0, tried: -Infinity, best: Infinity };

const wanted = (fits: number, margin = 1): number => NEED.findIndex((need) => fits >= need * margin);

/** kbit/s that we dare to send while a moving picture is sent. */
function moving(seen: Seen, best: number, step: number): number {
  // A browser begins at 300 kbit/s on the best of links: that alone is no reason to fall.
  let fits = seen.age < YOUNG ? Math.max(seen.room, NEED[step]) : seen.room || NEED[0];
  if (seen.lost > 0.1) fits *= 1 - seen.lost;
  if (seen.rtt - best > QUEUE) fits = 0;
  // Whatever the picture does to the link, without it stills and voice are worth a try.
  return Math.max(fits, NEED[STILLS]);
}

type Next = { ladder: Ladder; fresh: boolean };

export function next(ladder: Ladder, seen: Seen, now: number): Next {
  const best = seen.rtt > 0 ? Math.min(ladder.best, seen.rtt) : ladder.best;
  const held = { ...ladder, best };
  // A dead link keeps its step: nothing is sent anyway, and it may come back as it was.
  if (seen.heard > BROKEN) return { ladder: { ...held, low: 0, high: 0 }, fresh: false };
  return held.step < STILLS ? withPicture(held, seen, now) : without(held, seen, now);
}

const stay = (ladder: Ladder, low = 0, high = 0): Next => ({ ladder: { ...ladder, low, high }, fresh: false });
const go = (ladder: Ladder, step: number): Next => ({ ladder: { ...ladder, step, low: 0, high: 0 }, fresh: false });

function withPicture(ladder: Ladder, seen: Seen, now: number): Next {
  const fits = moving(seen, ladder.best, ladder.step);
  const target = wanted(fits);
  if (target > ladder.step) {
    const low = ladder.low || now;
    return now - low >= FALL ? go(ladder, target) : stay(ladder, low);
  }
  const better = wanted(fits, MARGIN);
  if (better >= ladder.step) return stay(ladder);
  const high = ladder.high || now;
  return now - high >= RISE ? go(ladder, better) : stay(ladder, 0, high);
}

/** Stills, voice or text: what stills take to arrive says how much room there is. */
function without(ladder: Ladder, seen: Seen, now: number): Next {
  if (seen.stills >= NEED[2] * MARGIN) return fresh(ladder, now);
  const stuck = seen.rtt - ladder.best > QUEUE || seen.lost > 0.3;
  const thin = seen.stills > 0 && seen.stills < NEED[STILLS];
  if ((stuck || thin) && ladder.step < TEXT) {
    const low = ladder.low || now;
    return now - low >= SUNK && (stuck || ladder.step < VOICE) ? go(ladder, ladder.step + 1) : stay(ladder, low);
  }
  const better = wanted(seen.stills, MARGIN);
  if (stuck || seen.stills === 0 || better < STILLS || better >= ladder.step) return stay(ladder);
  const high = ladder.high || now;
  return now - high >= RISE ? go(ladder, better) : stay(ladder, 0, high);
}

/** There is room for a picture again: by a connection that begins anew. */
function fresh(ladder: Ladder, now: number): Next {
  if (now - ladder.tried < FRESH) return stay(ladder);
  const high = ladder.high || now;
  if (now - high < 1500) return stay(ladder, 0, high);
  return { ladder: { ...ladder, step: 2, low: 0, high: 0, tried: now, best: Infinity }, fresh: true };
}

export interface Plan {
  active: boolean;
  kbps: number;
  scale: number;
}

/** How one of several feeds is sent on a step; `main`: the picture that the others look at. */
export function planned(step: number, main: boolean, feeds: number): Plan {
  const off = { active: false, kbps: 30, scale: 4 };
  if (step >= STILLS || (step > 0 && !main)) return off;
  // Room above what the step needs, or the browser would never find out that there is more.
  if (step === 2) return { active: true, kbps: 1000, scale: 2 };
  if (step === 1) return { active: true, kbps: 2000, scale: 1 };
  return { active: true, kbps: main ? 2500 : Math.max(300, Math.round(1800 / feeds)), scale: main ? 1 : 1.5 };
}
