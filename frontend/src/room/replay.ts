// What was drawn, over what was recorded, at an instant: the same lines and the same painter as in
// the room. While a feed stood still everybody saw the frozen picture, and so does who looks later.
import { Ink } from "./ink";
import { fitted, paint, STYLES } from "./paint";
import type { LogLine } from "./types";

export class Replay {
  private ink = new Ink();
  private hands: string[];
  private frames = new Map<string, HTMLImageElement>();

  constructor(lines: LogLine[]) {
    for (const line of lines) this.ink.take(line);
    this.hands = this.ink.hands();
  }

  paint(canvas: HTMLCanvasElement, video: HTMLVideoElement, feed: string, at: number): void {
    const context = canvas.getContext("2d");
    if (!context) return;
    const scale = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(canvas.clientWidth * scale), Math.round(canvas.clientHeight * scale)];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    context.clearRect(0, 0, width, height);
    const still = this.ink.still(feed, at);
    const frame = still && this.frame(still.id);
    const ready = frame?.complete && frame.naturalWidth > 0;
    const box = ready
      ? fitted(width, height, frame.naturalWidth, frame.naturalHeight)
      : fitted(width, height, video.videoWidth, video.videoHeight);
    if (ready) context.drawImage(frame, box.x, box.y, box.w, box.h);
    const strokes = this.ink.on(feed, still?.id ?? "", at).filter((stroke) => stroke.at <= at);
    paint(context, box, strokes, (seat) => STYLES[Math.max(0, this.hands.indexOf(seat)) % STYLES.length], at);
  }

  private frame(id: string): HTMLImageElement {
    let image = this.frames.get(id);
    if (!image) {
      image = new Image();
      image.src = `/rooms/frames/${id}/`;
      this.frames.set(id, image);
    }
    return image;
  }
}
