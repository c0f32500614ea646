// How large each picture comes to this viewer. The media server measures nothing toward viewers, so
// each judges its own link by what arrives, and asks for what fits. Pure; time is an argument.

export const OFF = -1;
export const LOW = 0;
export const MIDDLE = 1;
export const HIGH = 2;

/** kbit/s of each layer, and by how much it is smaller than the camera's picture. */
export const RATES = [150, 500, 2000];
export const SCALES = [4, 2, 1];
/** Below this there are voices only: pictures would take their way (measured, live.md). */
export const LIMIT = 250;
const MOST = 20000;
const LEAST = 100;
const FIRST_WAIT = 2000; // ms without trouble until more is tried
const LONGEST_WAIT = 60000;
const TRIED = 8000; // trouble so soon after more was tried comes from that
const SETTLES = 2500; // what was cut shows in the figures no sooner

/** The way down during the last second. */
export interface Link {
  at: number; // ms
  received: number; // kbit/s
  lost: number; // share of packets, 0 to 1
  rtt: number; // ms, 0 when unknown
  concealed: number; // share of voice that had to be invented, 0 to 1
}

/** What this viewer believes of the link. */
export interface Budget {
  kbps: number;
  base: number; // the shortest rtt seen, slowly forgotten
  wait: number;
  tried: number; // when more was tried
  cut: number; // when it was cut
}

export function begin(at: number): Budget {
  return { kbps: 2800, base: 0, wait: FIRST_WAIT, tried: at, cut: -Infinity };
}

/** `short`: more would be shown if there were room for it. */
export function judge(budget: Budget, link: Link, short: boolean): Budget {
  const base = !link.rtt ? budget.base : !budget.base ? link.rtt : Math.min(link.rtt, budget.base + 1);
  const late = base > 0 && link.rtt > base * 2 + 100;
  if (link.lost > 0.1 || late || link.concealed > 0.1) {
    if (link.at - budget.cut < SETTLES) return { ...budget, base };
    const held = Math.min(budget.kbps, Math.max(link.received, LEAST));
    const kbps = Math.max(LEAST, held * (link.lost > 0.25 || late ? 0.6 : 0.8));
    const wait = link.at - budget.tried < TRIED ? Math.min(budget.wait * 2, LONGEST_WAIT) : budget.wait;
    return { kbps, base, wait, tried: budget.tried, cut: link.at };
  }
  const unsure = link.lost > 0.02 || link.concealed > 0.02;
  if (unsure || !short || link.at - Math.max(budget.tried, budget.cut) < budget.wait) return { ...budget, base };
  const kbps = Math.min(MOST, budget.kbps < LIMIT ? LIMIT : budget.kbps * 1.4);
  const wait = link.at - budget.cut > 3 * budget.wait ? Math.max(FIRST_WAIT, budget.wait / 2) : budget.wait;
  return { kbps, base, wait, tried: link.at, cut: budget.cut };
}

export interface Picture {
  name: string;
  height: number; // of its place on the page, in pixels of the screen; 0: not shown
  layered: boolean;
}

export function wish(picture: Picture): number {
  if (picture.height <= 0) return OFF;
  if (!picture.layered) return MIDDLE;
  if (picture.height > 400) return HIGH;
  return picture.height > 200 ? MIDDLE : LOW;
}

/** The largest picture first: all small, then one after the other as large as it is shown. */
export function allot(kbps: number, pictures: Picture[]): { layers: Map<string, number>; short: boolean } {
  const layers = new Map(pictures.map((one) => [one.name, OFF]));
  const inOrder = pictures.filter((one) => one.height > 0).sort((a, b) => b.height - a.height);
  let left = kbps < LIMIT ? 0 : kbps;
  for (const one of inOrder) {
    const least = one.layered ? LOW : MIDDLE; // what has one size only is small (sfu.ts)
    if (RATES[least] > left) continue;
    layers.set(one.name, least);
    left -= RATES[least];
  }
  for (const one of inOrder) {
    for (let now = layers.get(one.name) ?? OFF; now !== OFF && now < wish(one); now++) {
      const more = RATES[now + 1] - RATES[now];
      if (more > left) break;
      layers.set(one.name, now + 1);
      left -= more;
    }
  }
  return { layers, short: inOrder.some((one) => (layers.get(one.name) ?? OFF) < wish(one)) };
}

/** Whether this page's own pictures are held back, so that its voice gets through. */
export interface Hold {
  off: boolean;
  since: number; // held back, or tight, or sending again, since then
  tight: boolean;
  wait: number;
}

const TIGHT = 3000; // ms that a link must be too narrow
const FIRST_TRY = 10000;

export function sending(at: number): Hold {
  return { off: false, since: at, tight: false, wait: FIRST_TRY };
}

/** `room`: kbit/s that the browser believes to fit upward, 0 when it does not know. */
export function hold(held: Hold, room: number, at: number): Hold {
  if (held.off) return at - held.since < held.wait ? held : { off: false, since: at, tight: false, wait: Math.min(held.wait * 2, LONGEST_WAIT) };
  const tight = room > 0 && room < LIMIT;
  if (tight !== held.tight) return { ...held, tight, since: at };
  if (tight) return at - held.since < TIGHT ? held : { ...held, off: true, tight: false, since: at };
  return at - held.since > LONGEST_WAIT && held.wait > FIRST_TRY ? sending(at) : held;
}
