// Single pictures over the fast way, when the link carries no moving ones. How long each takes says
// how much room there is.
import { make } from "../page";

const PIECE = 12000; // characters of one message on a data channel
const EDGE = 640;

export interface Still {
  k: "still";
  id: string;
  feed: string;
  at: number;
  n: number;
  of: number;
  part: string;
}

/** A JPEG of what a track shows now, as base64; "" when there is nothing to see. */
export async function snapshot(video: HTMLVideoElement, edge = EDGE, quality = 0.5): Promise<Blob | null> {
  if (!video.videoWidth) return null;
  const scale = Math.min(1, edge / Math.max(video.videoWidth, video.videoHeight));
  const canvas = make("canvas");
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  canvas.getContext("2d")?.drawImage(video, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", quality));
}

export async function pieces(id: string, feed: string, at: number, picture: Blob): Promise<Still[]> {
  const bytes = new Uint8Array(await picture.arrayBuffer());
  let text = "";
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  const whole = btoa(text);
  const of = Math.ceil(whole.length / PIECE);
  return Array.from({ length: of }, (_, n) => ({ k: "still", id, feed, at, n, of, part: whole.slice(n * PIECE, (n + 1) * PIECE) }));
}

/** Puts pictures together from their pieces; an older one that is not whole is given up. */
export class Album {
  private open = new Map<string, { id: string; parts: string[] }>();

  take(still: Still): Blob | null {
    let held = this.open.get(still.feed);
    if (!held || held.id !== still.id) this.open.set(still.feed, (held = { id: still.id, parts: [] }));
    held.parts[still.n] = still.part;
    if (held.parts.filter(Boolean).length < still.of) return null;
    this.open.delete(still.feed);
    const text = atob(held.parts.join(""));
    const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
    return new Blob([bytes], { type: "image/jpeg" });
  }
}
