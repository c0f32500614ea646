// The open line to the server: who is here, what is signalled, and the log that the server numbers.
// It comes back by itself; what was written and not yet numbered is sent again, and is one line.
import { uuid, writeHeaders } from "../page";
import type { LogLine, SeatInfo, State, Welcome } from "./types";

export interface Admission {
  seat: string;
  ticket: string;
  line: string;
}

export class Turned extends Error {} // the server has said no, with a sentence

export interface LineEvents {
  welcome(said: Welcome, again: boolean): void;
  join(seat: SeatInfo): void;
  left(seat: string): void;
  /** Somebody has another role now: a listener may speak. */
  role?(seat: string, role: SeatInfo["role"]): void;
  state(seat: string, state: State): void;
  from(seat: string, data: unknown): void;
  live(seat: string, data: unknown): void;
  log(line: LogLine): void;
  refused(id: string, why: string): void;
  sfu(said: Record<string, unknown>): void;
  /** The line broke (it comes back), or is open again. */
  open(on: boolean): void;
  /** It is over: put out, or gone elsewhere. */
  out(why: string): void;
}

const WAITS = [300, 700, 1500, 3000, 5000];
const BEAT = 4000;

export async function admitted(url: string, fields: Record<string, string>): Promise<Admission> {
  const answer = await fetch(url, { method: "POST", headers: writeHeaders(uuid()), body: new URLSearchParams(fields) });
  if (answer.ok) return (await answer.json()) as Admission;
  const said = answer.headers.get("Content-Type")?.includes("json") ? ((await answer.json()) as { sentence?: string }) : {};
  if (answer.status < 500) throw new Turned(said.sentence ?? "");
  throw new Error(String(answer.status));
}

export class Line {
  last = 0; // the newest number of the log that this page has
  offset = 0; // the server's clock minus this one's, milliseconds
  private socket?: WebSocket;
  private unsaid = new Map<string, LogLine>(); // written here, not yet numbered
  private tries = 0;
  private ended = false;
  private offsets: { wait: number; offset: number }[] = [];
  private beat = 0;
  private heard = 0;
  private state: State = {};
  private stated = 0;
  private welcomed = false;
  private early = new Map<number, LogLine>();
  private gap = 0;
  private until = 0; // the newest number when the line opened
  private waiting = new Map<string, { done: (said: unknown) => void; failed: (why: Error) => void }>();

  constructor(private pass: Admission, private on: LineEvents) {
    window.addEventListener("online", () => this.socket?.readyState !== WebSocket.OPEN && this.open());
    this.beat = window.setInterval(() => this.check(), BEAT / 2);
  }

  get seat(): string {
    return this.pass.seat;
  }

  get isOpen(): boolean {
    return this.socket?.readyState === WebSocket.OPEN && this.welcomed;
  }

  now(): number {
    return Date.now() + this.offset;
  }

  open(): void {
    if (this.ended) return;
    this.socket?.close();
    this.welcomed = false;
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = (this.socket = new WebSocket(`${scheme}//${location.host}${this.pass.line}`));
    socket.onopen = () => socket.send(JSON.stringify({ t: "join", ticket: this.pass.ticket, after: this.last }));
    socket.onmessage = (event: MessageEvent<string>) => {
      if (socket === this.socket) this.hear(JSON.parse(event.data) as Record<string, unknown>);
    };
    socket.onclose = (event) => {
      if (socket === this.socket) void this.again(event.code);
    };
  }

  private async again(code: number): Promise<void> {
    if (this.welcomed || this.tries === 0) this.on.open(false);
    this.welcomed = false;
    for (const { failed } of this.waiting.values()) failed(new Error("the line broke"));
    this.waiting.clear();
    if (this.ended) return;
    if (code === 4013) return this.over("crowded");
    await new Promise((done) => setTimeout(done, WAITS[Math.min(this.tries++, WAITS.length - 1)] * (0.8 + Math.random() * 0.4)));
    if (this.ended) return;
    try {
      this.pass = { ...this.pass, ...(await admitted(`/rooms/seats/${this.pass.seat}/ticket/`, {})) };
      this.open();
    } catch (fault) {
      if (fault instanceof Turned) return this.over(fault.message);
      void this.again(0); // nobody answered: media goes on, the log catches up
    }
  }

  private over(why: string): void {
    this.close();
    this.on.out(why);
  }

  private hear(said: Record<string, unknown>): void {
    this.heard = performance.now();
    const seat = String(said.seat ?? "");
    switch (said.t) {
      case "welcome":
        return this.enter(said as unknown as Welcome);
      case "pong":
        return this.measure(Number(said.c), Number(said.s));
      case "join":
        return this.on.join(said as unknown as SeatInfo);
      case "left":
        return this.on.left(seat);
      case "role":
        return this.on.role?.(seat, said.role as SeatInfo["role"]);
      case "state":
        return this.on.state(seat, said.d as State);
      case "from":
        return this.on.from(String(said.from), said.d);
      case "live":
        return this.on.live(String(said.from), said.d);
      case "lines":
        return (said.of as LogLine[]).forEach((line) => this.take(line));
      case "log":
        return this.take(said as unknown as LogLine);
      case "refused":
        this.unsaid.delete(String(said.id));
        return this.on.refused(String(said.id), String(said.why));
      case "out":
        if (seat === this.seat) return this.over("");
        return this.on.left(seat);
      case "answer":
        return this.answer(said);
      case "sfu":
        return this.on.sfu(said);
    }
  }

  private enter(said: Welcome): void {
    const again = this.tries > 0 || this.last > 0;
    this.tries = 0;
    this.until = said.last;
    this.welcomed = true;
    if (!this.offsets.length) this.offset = said.s - Date.now();
    this.ping();
    this.on.welcome(said, again);
    this.on.open(true);
    for (const line of this.unsaid.values()) this.write(line);
    if (Object.keys(this.state).length) this.send({ t: "state", d: this.state });
  }

  private take(line: LogLine): void {
    if (line.n <= this.last) return;
    this.early.set(line.n, line);
    for (let next = this.early.get(this.last + 1); next; next = this.early.get(this.last + 1)) {
      this.early.delete(next.n);
      this.last = next.n;
      this.unsaid.delete(next.id);
      this.on.log(next);
    }
    // Two processes may tell in another order than they wrote; what stays away is asked for.
    window.clearTimeout(this.gap);
    const caught = this.last >= this.until; // else the old ones are on their way
    if (this.early.size && caught) this.gap = window.setTimeout(() => this.send({ t: "since", after: this.last }), 400);
  }

  /** Offset of the clocks from the quickest of the last answers. */
  private measure(sent: number, server: number): void {
    const wait = Date.now() - sent;
    this.offsets = [...this.offsets.slice(-9), { wait, offset: server + wait / 2 - Date.now() }];
    this.offset = this.offsets.reduce((best, one) => (one.wait < best.wait ? one : best)).offset;
  }

  private ping(): void {
    this.send({ t: "ping", c: Date.now() });
  }

  private check(): void {
    if (!this.welcomed) return;
    if (performance.now() - this.heard > BEAT * 3) {
      this.socket?.close(); // it says that it is open, and is not
      void this.again(0);
      this.socket = undefined;
      return;
    }
    this.ping();
  }

  private send(message: unknown): boolean {
    if (!this.isOpen) return false;
    this.socket?.send(JSON.stringify(message));
    return true;
  }

  signal(to: string, data: unknown): void {
    this.send({ t: "to", to, d: data });
  }

  /** To everybody by way of the server, kept by nobody. */
  live(data: unknown): void {
    this.send({ t: "live", d: data });
  }

  /** A request to the media server; answered once, or refused when the line breaks. */
  ask(body: unknown): Promise<unknown> {
    const id = uuid();
    return new Promise((done, failed) => {
      this.waiting.set(id, { done, failed });
      if (!this.send({ t: "sfu", id, d: body })) failed(new Error("the line is closed"));
    });
  }

  private answer(said: Record<string, unknown>): void {
    const held = this.waiting.get(String(said.id));
    this.waiting.delete(String(said.id));
    if (said.error) held?.failed(new Error(String(said.error)));
    else held?.done(said.d);
  }

  /** A line for the log; it is shown at once and numbered as soon as the server has it. */
  log(kind: LogLine["kind"], feed: string, d: Record<string, unknown>, id = uuid()): LogLine {
    const line: LogLine = { n: 0, id, seat: this.seat, kind, feed, at: this.now(), d };
    this.unsaid.set(id, line);
    this.write(line);
    return line;
  }

  private write(line: LogLine): void {
    this.send({ t: "log", id: line.id, kind: line.kind, feed: line.feed, d: line.d });
  }

  get unwritten(): number {
    return this.unsaid.size;
  }

  met(seats: string[]): void {
    this.send({ t: "met", of: seats });
  }

  minute(d: Record<string, number>): void {
    this.send({ t: "minute", d });
  }

  /** At most once a second. */
  say(change: State): void {
    this.state = { ...this.state, ...change };
    window.clearTimeout(this.stated);
    this.stated = window.setTimeout(() => this.send({ t: "state", d: this.state }), 400);
  }

  close(): void {
    if (!this.ended) this.send({ t: "leave" });
    this.ended = true;
    window.clearInterval(this.beat);
    this.socket?.close(1000);
  }
}
