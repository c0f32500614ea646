// The server's time on this page. A phone's own clock may be hours wrong, so we start from the
// instant the server wrote into the page and add what the monotonic clock has counted since.
const body = document.body;
const navigation = performance.getEntriesByType("navigation")[0] as
  | PerformanceNavigationTiming
  | undefined;

export const speed = Number(body.dataset.speed) || 1; // a demonstration may run faster
let instant = Date.parse(body.dataset.now ?? "") || Date.now();
let mark = navigation?.responseStart || performance.now();

/** The present instant of the server, in milliseconds since 1970. */
export function now(): number {
  return instant + (performance.now() - mark) * speed;
}

/** Take the server's word again: it wrote `iso` between the two readings of our clock. */
export function adjust(iso: string, sent: number, received: number): void {
  const said = Date.parse(iso);
  if (!Number.isFinite(said)) return;
  instant = said;
  mark = (sent + received) / 2;
}

type Ticker = () => void;
const tickers = new Set<Ticker>();
let timer = 0;

function beat(): void {
  for (const tick of tickers) tick();
}

/** Call `tick` once a second for as long as the returned function has not been called. */
export function everySecond(tick: Ticker): () => void {
  tickers.add(tick);
  tick();
  timer ||= window.setInterval(beat, 1000 / Math.min(4, Math.max(1, speed)));
  return () => {
    tickers.delete(tick);
    if (!tickers.size) {
      window.clearInterval(timer);
      timer = 0;
    }
  };
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) beat();
});
