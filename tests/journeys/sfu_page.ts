// A page of the tests: the product's own line and engine, with a camera that is drawn.
import { Line, admitted } from "../../frontend/src/room/line";
import { Sfu } from "../../frontend/src/room/sfu";
import type { Heard, Sample } from "../../frontend/src/room/engine";
import type { Feed, Source, Welcome } from "../../frontend/src/room/types";

const shown = new Map<string, HTMLVideoElement>();
const voices = new Map<string, HTMLAudioElement>();
const contacts = new Set<string>();
const log: string[] = [];
let line: Line | undefined;
let engine: Sfu | undefined;
let welcome: Welcome | undefined;
let out = "";

const heard: Heard = {
  feed(seat, feed, stream) {
    const name = `${seat} ${feed}`;
    log.push(`feed ${feed} ${stream ? "on" : "off"}`);
    if (!stream) {
      shown.get(name)?.remove();
      shown.delete(name);
      return;
    }
    const video = shown.get(name) ?? document.createElement("video");
    video.muted = video.autoplay = video.playsInline = true;
    video.srcObject = stream;
    document.body.append(video);
    shown.set(name, video);
    void video.play().catch(() => undefined);
  },
  voice(seat, stream) {
    log.push(`voice ${stream ? "on" : "off"}`);
    if (!stream) return void voices.delete(seat);
    const audio = new Audio();
    audio.srcObject = stream;
    audio.muted = true;
    void audio.play().catch(() => undefined);
    voices.set(seat, audio);
  },
  packet: () => undefined,
  contact: (seat, on) => void (on ? contacts.add(seat) : contacts.delete(seat)),
  signal: () => undefined,
  ask: async (body) => {
    const said = `${Math.round(performance.now())} ${(body as { do: string }).do}`;
    log.push(`ask ${said}`);
    try {
      const answer = await (line as Line).ask(body);
      log.push(`answer ${Math.round(performance.now())} to ${said}`);
      return answer;
    } catch (fault) {
      log.push(`${Math.round(performance.now())} refused ${said}: ${(fault as Error).message}`);
      throw fault;
    }
  },
};

function camera(width = 1280, height = 720): MediaStreamTrack {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const ink = canvas.getContext("2d", { willReadFrequently: true }) as CanvasRenderingContext2D;
  const noise = ink.createImageData(160, 90);
  let n = 0;
  window.setInterval(() => {
    n++;
    for (let i = 0; i < noise.data.length; i += 4) noise.data.set([(i * n) & 255, (i + n) & 255, n & 255, 255], i);
    ink.fillStyle = `hsl(${n % 360} 70% 50%)`;
    ink.fillRect(0, 0, width, height);
    ink.putImageData(noise, (n * 7) % (width - 160), height / 3);
    ink.fillStyle = "white";
    ink.fillRect((n * 9) % width, 0, 60, height);
  }, 33);
  return canvas.captureStream(30).getVideoTracks()[0];
}

const room = {
  async join(seats: string, role: string): Promise<void> {
    line = new Line(await admitted(seats, { role }), {
      welcome(said) {
        welcome = said;
        engine ??= new Sfu(said.seat, said.ice, heard);
      },
      join: () => undefined,
      left: (seat) => engine?.gone(seat),
      state: () => undefined,
      from: () => undefined,
      live: () => undefined,
      log: () => undefined,
      refused: () => undefined,
      sfu: (said) => engine?.hear(said),
      open: (on) => void log.push(on ? "open" : "broken"),
      out(why) {
        out = why || "out";
        engine?.close();
      },
    });
    line.open();
  },
  seat: () => welcome?.seat ?? "",
  feeds: [] as Feed[],
  show(ids: string[], source: Source = "field", width = 1280, height = 720): void {
    const kept = room.feeds.filter((feed) => ids.includes(feed.id));
    const fresh = ids.filter((id) => !kept.some((feed) => feed.id === id));
    room.feeds = [...kept, ...fresh.map((id) => ({ id, source, track: camera(width, height) }))];
    engine?.publish(room.feeds);
  },
  async speak(): Promise<void> {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    engine?.speak(stream.getAudioTracks()[0]);
  },
  ask: (body: unknown) => heard.ask(body),
  renew: () => engine?.renew(""),
  size: (seat: string, feed: string, height: number) => engine?.size(seat, feed, height),
  layer: (seat: string, feed: string) => engine?.layer(seat, feed),
  breakLine: () => (line as unknown as { socket: WebSocket }).socket.close(),
  frames: (): Record<string, number> => Object.fromEntries([...shown].map(([name, video]) => [name.split(" ")[1], video.getVideoPlaybackQuality().totalVideoFrames])),
  height: (feed: string): number => [...shown].find(([name]) => name.endsWith(` ${feed}`))?.[1].videoHeight ?? 0,
  shown: () => [...shown.keys()].map((name) => name.split(" ")[1]).sort(),
  voices: () => voices.size,
  contacts: () => contacts.size,
  out: () => out,
  samples: (): Promise<Sample[]> => (engine as Sfu).samples(),
  told: () => log.slice(-30),
  async stats(): Promise<Record<string, unknown>[]> {
    const ways = engine as unknown as { up?: { pc: RTCPeerConnection }; down?: { pc: RTCPeerConnection } };
    const rows: Record<string, unknown>[] = [];
    for (const way of [ways.up, ways.down]) (await way?.pc.getStats())?.forEach((row: Record<string, unknown>) => rows.push(row));
    return rows;
  },
};

declare global {
  interface Window {
    room: typeof room;
  }
}
window.room = room;
