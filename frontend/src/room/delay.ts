// How old the picture is when it is seen. The browser's own figure covers the way from the sender's
// encoder to this screen; a code in the picture (drawn by a test, or a camera that looks at a screen
// with it) covers all of the way from glass to glass, and is preferred when one is there.

const COLUMNS = 13;
const ROWS = 4;
const BITS = 44;
export const CODE_HEIGHT = 0.25; // of the picture, at its top

export const clock = (): number => performance.timeOrigin + performance.now();

function checksum(time: number): number {
  let sum = 0x5a;
  for (let rest = time; rest > 0; rest = Math.floor(rest / 256)) sum ^= rest % 256;
  return sum & 255;
}

/** The instant in a picture; null when there is no whole code in it. */
export function readCode(video: HTMLVideoElement, canvas: HTMLCanvasElement): number | null {
  const [w, h] = [(canvas.width = COLUMNS * 4), (canvas.height = ROWS * 4)];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context || !video.videoWidth) return null;
  context.drawImage(video, 0, 0, video.videoWidth, video.videoHeight * CODE_HEIGHT, 0, 0, w, h);
  const pixels = context.getImageData(0, 0, w, h).data;
  let time = 0;
  let sum = 0;
  for (let i = 0; i < COLUMNS * ROWS; i++) {
    const at = ((Math.floor(i / COLUMNS) * 4 + 2) * w + (i % COLUMNS) * 4 + 2) * 4 + 1;
    const bit = pixels[at] > 128 ? 1 : 0;
    if (i < BITS) time += bit * 2 ** i;
    else sum |= bit << (i - BITS);
  }
  return checksum(time) === sum ? time : null;
}

export const quantile = (values: number[], share: number): number => {
  if (!values.length) return 0;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
};

export type Grade = "good" | "fair" | "slow" | "bad";

/** ≤ 200 ms is ideal, up to 400 suitable, beyond 500 draw only on a frozen picture (live.md). */
export const grade = (delay: number): Grade => (delay <= 200 ? "good" : delay <= 400 ? "fair" : delay <= 500 ? "slow" : "bad");

type FrameNews = { captureTime?: number; receiveTime?: number; expectedDisplayTime: number; rtpTimestamp?: number };

export class Delay {
  private values: { at: number; ms: number }[] = [];
  private canvas = document.createElement("canvas");
  private frames = 0;
  coded = false; // from glass to glass, by a code in the picture
  private coding = 30; // every how manieth frame is looked at for a code
  private stopped = false;

  /** `rtt`: there and back, ms; half of it is the way of a picture that does not say when it was taken. */
  constructor(private video: HTMLVideoElement, private rtt: () => number) {
    this.next();
  }

  private next(): void {
    if (this.stopped || !this.video.requestVideoFrameCallback) return;
    this.video.requestVideoFrameCallback((_now, news) => {
      this.frame(news as FrameNews);
      this.next();
    });
  }

  private frame(news: FrameNews): void {
    this.frames += 1;
    const shown = performance.timeOrigin + news.expectedDisplayTime;
    if (this.frames % this.coding === 0) {
      const time = readCode(this.video, this.canvas);
      const plausible = time !== null && shown - time > 0 && shown - time < 20000;
      this.coded = plausible;
      this.coding = plausible ? 3 : 30;
      if (plausible) return this.add(shown - time);
    }
    if (this.coded) return;
    if (news.captureTime) this.add(news.expectedDisplayTime - news.captureTime);
    else if (news.receiveTime) this.add(news.expectedDisplayTime - news.receiveTime + this.rtt() / 2);
  }

  private add(ms: number): void {
    if (!(ms > 0 && ms < 60000)) return;
    const at = performance.now();
    this.values.push({ at, ms });
    while (this.values.length > 900 || (this.values[0] && at - this.values[0].at > 10000)) this.values.shift();
  }

  /** Of the last ten seconds; null while no frame came in the last three. */
  get figures(): { middle: number; high: number; n: number } | null {
    const last = this.values[this.values.length - 1];
    if (!last || performance.now() - last.at > 3000) return null;
    const found = this.values.map((value) => value.ms);
    return { middle: Math.round(quantile(found, 0.5)), high: Math.round(quantile(found, 0.95)), n: found.length };
  }

  stop(): void {
    this.stopped = true;
  }
}
