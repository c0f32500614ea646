// <jl-live topics="case:JL-1 me">: one stream for the whole page. The stream carries only what
// changed, never a patient's data: each message becomes a DOM event `jl:<topic>` on the body, and
// the partials that wait for it fetch themselves again.
import { announce } from "./fresh";
import { define } from "./page";
import { partsOf } from "./parts";

const MUTE = 8000; // a stream that has said nothing at all for so long is held back by a proxy
const QUIET = 5000; // without a sign of life for so long, we say that the connection is lost
const wanted = new Map<string, number>();
let address = "/live/";
let source: EventSource | undefined;
let lastId = "";
let failures = 0;
let beats = 0; // milliseconds between two heartbeats, once the server has sent one
let alive = performance.now();
let lost = false;
let polled = false; // it was answered at least once
let failing = false; // the ring's own question, every five seconds, found nobody
let reopen = 0;
let hiddenAt = 0;
let release: (() => void) | undefined;
let once = sessionStorage.getItem("jl.once") === "1"; // something on the way holds an open answer back: ask for answers that end
let opened = 0;

function tell(topic: string, detail: unknown): void {
  announce(`jl:${topic}`, detail);
}

function refetch(): void {
  for (const topic of wanted.keys()) {
    tell(topic, { topic, verb: "resync" });
    for (const part of partsOf("resync")) tell(`${topic}:${part}`, { topic, verb: "resync" });
  }
}

function setLost(state: boolean): void {
  if (state === lost) return;
  lost = state;
  document.dispatchEvent(new CustomEvent("jl:net", { detail: { lost } }));
  if (!lost) refetch();
}

function sign(): void {
  alive = performance.now();
  failures = 0;
  setLost(false);
}

function receive(event: MessageEvent<string>): void {
  sign();
  if (event.lastEventId) lastId = event.lastEventId;
  try {
    const change = JSON.parse(event.data) as { topic?: string; verb?: string };
    if (!change.topic) return;
    tell(change.topic, change);
    for (const part of partsOf(change.verb ?? "")) tell(`${change.topic}:${part}`, change);
  } catch {
    return; // not for us
  }
}

function close(): void {
  window.clearTimeout(reopen);
  source?.close();
  source = undefined;
}

function open(): void {
  close();
  if (!wanted.size || release === asleep) return;
  const query = new URLSearchParams([...wanted.keys()].map((topic) => ["topic", topic]));
  if (lastId) query.set("since", lastId); // a new EventSource cannot send the header
  if (once) query.set("once", "1");
  opened = performance.now();
  source = new EventSource(`${address}?${query}`);
  source.onopen = sign;
  source.onmessage = receive;
  source.addEventListener("beat", (event) => {
    beats = (Number((event as MessageEvent<string>).data) || 2) * 1000;
    sign();
  });
  source.addEventListener("resync", refetch); // more was missed than can be told
  source.addEventListener("crowded", () => {
    close(); // this person has more pages open than are told at once: the newest ones are
    reopen = window.setTimeout(open, 60000 * (0.7 + Math.random() * 0.6));
  });
  source.onerror = () => {
    if (source?.readyState !== EventSource.CLOSED) return; // it tries again by itself
    close();
    failures += 1;
    reopen = window.setTimeout(open, Math.min(30000, 500 * 2 ** failures) * (0.7 + Math.random() * 0.6));
  };
}

function soon(): void {
  window.clearTimeout(reopen);
  reopen = window.setTimeout(open, 30);
}

function watch(): void {
  if (!wanted.size || document.hidden) return;
  // Without heartbeats that a script can see, an open stream counts as alive.
  if (source?.readyState === EventSource.OPEN && !beats && !failing) alive = performance.now();
  const silent = performance.now() - alive;
  const patience = beats ? Math.max(QUIET, beats * (once ? 3.5 : 2.5)) : MUTE + 1000;
  // The ring's own question is answered, but the stream has never said a word.
  if (!once && !beats && polled && source && performance.now() - opened > MUTE) {
    once = true;
    sessionStorage.setItem("jl.once", "1");
    alive = performance.now();
    return open();
  }
  if (silent > patience) setLost(true);
  // A stream that says nothing although it should is dead: a proxy may hold it open for ever.
  if (beats && silent > patience + 5000) {
    alive = performance.now() - QUIET;
    open();
  }
}

// A browser allows six connections to one host (HTTP/1.1). Of several hidden tabs one keeps its
// stream, so that a ring is heard; the others let go until they are looked at.
function asleep(): void {}

function hide(): void {
  hiddenAt = performance.now();
  window.setTimeout(() => {
    if (!document.hidden || !navigator.locks || release) return;
    void navigator.locks.request("jl-live-hidden", { ifAvailable: true }, (lock) => {
      if (lock) return new Promise<void>((done) => (release = done));
      release = asleep;
      close();
      return undefined;
    });
  }, 60000);
}

function show(): void {
  const slept = release === asleep;
  release?.();
  release = undefined;
  if (slept) open();
  if (slept || performance.now() - hiddenAt > QUIET) refetch();
  alive = performance.now();
}

document.addEventListener("jl:poll", (event) => {
  const before = failing;
  failing = !(event as CustomEvent<boolean>).detail;
  polled ||= !failing;
  if (before && !failing) open(); // the old stream may hang on a connection that is gone
});
document.addEventListener("visibilitychange", () => (document.hidden ? hide() : show()));
window.addEventListener("online", () => {
  open();
  refetch();
});
window.addEventListener("pagehide", close);
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  open();
  refetch();
});
window.setInterval(watch, 1000);

class Live extends HTMLElement {
  private mine: string[] = [];

  connectedCallback(): void {
    address = this.getAttribute("src") ?? address;
    lastId ||= this.getAttribute("since") ?? ""; // where the page was rendered
    this.mine = (this.getAttribute("topics") ?? "").split(/\s+/).filter(Boolean);
    for (const topic of this.mine) wanted.set(topic, (wanted.get(topic) ?? 0) + 1);
    soon();
  }

  disconnectedCallback(): void {
    for (const topic of this.mine) {
      const left = (wanted.get(topic) ?? 1) - 1;
      if (left) wanted.set(topic, left);
      else wanted.delete(topic);
    }
    soon();
  }
}

define("jl-live", Live);
