// What is drawn where, from the lines of the log. Pure: the same lines give the same picture on every
// screen, in whatever order they arrived, and at every instant of a play-back.
import type { LogLine } from "./types";

export const FADE = 4000; // ms that ink on a moving picture stays: the tissue goes on moving
export const GRID = 10000;
export type Tool = "pen" | "arrow" | "circle" | "line";

export interface Stroke {
  id: string;
  seat: string;
  feed: string;
  frame: string; // on which frozen picture, "" on the moving one
  tool: Tool;
  p: number[]; // x, y, x, y in 1/10,000 of the picture
  at: number; // server's time
  n: number; // Infinity until the server has numbered it
  label: string;
}

export interface Frozen {
  id: string;
  feed: string;
  at: number;
  seat: string;
  n: number;
  kept: string; // document of the case, "" as long as nobody has kept it
}

interface Wipe {
  feed: string;
  frame: string;
  n: number;
  at: number;
}

const order = (line: LogLine): number => line.n || Infinity;
/** By number; what has none yet comes last, in its own order. */
const later = (one: { n: number; at: number }, other: { n: number; at: number }): boolean =>
  one.n === other.n ? one.at > other.at : one.n > other.n;
const word = (value: unknown): string => (typeof value === "string" ? value : "");

export class Ink {
  private strokes = new Map<string, Stroke>();
  private drafts = new Map<string, Stroke>(); // being drawn somewhere: of no number yet
  private undone = new Map<string, { seat: string; at: number }>();
  private wipes: Wipe[] = [];
  private frozen = new Map<string, Frozen>();
  private lives: Wipe[] = []; // back to the moving picture

  /** Any line of the log, in any order; one that comes twice is one line. */
  take(line: LogLine): void {
    const { d, feed, at, seat } = line;
    const n = order(line);
    const frame = word(d.frame);
    if (line.kind === "stroke") {
      const stroke = { id: line.id, seat, feed, frame, tool: d.tool as Tool, p: d.p as number[], at, n, label: word(d.label) };
      this.strokes.set(line.id, stroke);
      this.drafts.delete(line.id);
    } else if (line.kind === "undo") {
      this.undone.set(word(d.of), { seat, at });
    } else if (line.kind === "clear") {
      this.wipe(this.wipes, { feed, frame, n, at }, line.id);
    } else if (line.kind === "freeze") {
      this.frozen.set(frame, { id: frame, feed, at, seat, n, kept: this.frozen.get(frame)?.kept ?? "" });
    } else if (line.kind === "live") {
      this.wipe(this.lives, { feed, frame, n, at }, line.id);
    } else if (line.kind === "kept") {
      const held = this.frozen.get(frame);
      if (held) held.kept = word(d.document) || "1";
    }
  }

  private ids = new Map<string, Wipe>();

  /** A wipe shown before its number came takes the number when it comes. */
  private wipe(list: Wipe[], wipe: Wipe, id: string): void {
    const known = this.ids.get(id);
    if (known) {
      Object.assign(known, wipe);
      return;
    }
    this.ids.set(id, wipe);
    list.push(wipe);
  }

  draft(stroke: Stroke): void {
    if (!this.strokes.has(stroke.id)) this.drafts.set(stroke.id, stroke);
  }

  forget(id: string): void {
    this.drafts.delete(id);
    this.strokes.delete(id);
  }

  /** What lies on a surface at an instant, oldest first. */
  on(feed: string, frame: string, at: number): Stroke[] {
    const found: Stroke[] = [];
    for (const stroke of [...this.strokes.values(), ...this.drafts.values()]) {
      if (stroke.feed !== feed || stroke.frame !== frame || stroke.at > at + 1500) continue;
      if (!frame && at - stroke.at > FADE) continue;
      if (this.isUndone(stroke, at) || this.isWiped(stroke, at)) continue;
      found.push(stroke);
    }
    return found.sort((a, b) => (a.n === b.n ? a.at - b.at || (a.id < b.id ? -1 : 1) : a.n < b.n ? -1 : 1));
  }

  /** How much of a stroke on the moving picture is left, 1 to 0. */
  static strength(stroke: Stroke, at: number): number {
    if (stroke.frame) return 1;
    return Math.max(0, Math.min(1, (FADE - (at - stroke.at)) / 1000));
  }

  private isUndone(stroke: Stroke, at: number): boolean {
    const undo = this.undone.get(stroke.id);
    return undo !== undefined && undo.seat === stroke.seat && undo.at <= at + 1500;
  }

  private isWiped(stroke: Stroke, at: number): boolean {
    return this.wipes.some(
      (wipe) => wipe.feed === stroke.feed && wipe.frame === stroke.frame && wipe.at <= at + 1500 &&
        (wipe.n === Infinity ? stroke.at <= wipe.at : stroke.n < wipe.n),
    );
  }

  /** The frozen picture that everybody looks at, if the feed stands still at that instant. */
  still(feed: string, at: number): Frozen | undefined {
    const last = [...this.frozen.values()].filter((one) => one.feed === feed && one.at <= at + 1500).sort((a, b) => (later(a, b) ? 1 : -1)).pop();
    if (!last) return undefined;
    // A picture that was stored late (the server was away) has a number after the word that ended it.
    const ended = this.lives.some((one) => one.feed === feed && one.at <= at + 1500 && (one.frame === last.id || later(one, last)));
    return ended ? undefined : last;
  }

  frames(): Frozen[] {
    return [...this.frozen.values()].sort((a, b) => a.at - b.at);
  }

  /** The newest stroke of a seat on a surface: what undo takes back. */
  lastOf(seat: string, feed: string, frame: string, at: number): Stroke | undefined {
    return this.on(feed, frame, at).filter((stroke) => stroke.seat === seat).pop();
  }

  /** Seats in the order in which they first drew: colours and shapes go by it. */
  hands(): string[] {
    const first = new Map<string, number>();
    for (const stroke of this.strokes.values()) {
      if (stroke.n < (first.get(stroke.seat) ?? Infinity)) first.set(stroke.seat, stroke.n);
    }
    return [...first].sort((a, b) => a[1] - b[1]).map(([seat]) => seat);
  }
}

/** Fewer points for the same line: those that lie within a thousandth of the line between others. */
export function thinned(p: number[], tolerance = 12): number[] {
  if (p.length <= 6) return p;
  const keep = new Set([0, p.length / 2 - 1]);
  const split = (from: number, to: number): void => {
    let worst = 0;
    let at = 0;
    const [ax, ay, bx, by] = [p[from * 2], p[from * 2 + 1], p[to * 2], p[to * 2 + 1]];
    const length = Math.hypot(bx - ax, by - ay) || 1;
    for (let i = from + 1; i < to; i++) {
      const off = Math.abs((bx - ax) * (ay - p[i * 2 + 1]) - (ax - p[i * 2]) * (by - ay)) / length;
      const away = length === 1 ? Math.hypot(p[i * 2] - ax, p[i * 2 + 1] - ay) : off;
      if (away > worst) [worst, at] = [away, i];
    }
    if (worst <= tolerance) return;
    keep.add(at);
    split(from, at);
    split(at, to);
  };
  split(0, p.length / 2 - 1);
  return [...keep].sort((a, b) => a - b).flatMap((i) => [p[i * 2], p[i * 2 + 1]]);
}
