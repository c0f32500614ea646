// The ring, synthesised: two tones, twice, then a pause, as a telephone rings. No file to load,
// and nothing that a browser may refuse for its format.
let context: AudioContext | undefined;
let timer = 0;

function graph(): AudioContext | undefined {
  try {
    context ??= new AudioContext({ latencyHint: "interactive" });
  } catch {
    return undefined; // this browser has no sound
  }
  return context;
}

/** Wake the sound up; true when it really runs. Works at once only inside a user's gesture. */
export async function unlock(): Promise<boolean> {
  const sound = graph();
  if (!sound) return false;
  const woken = sound.resume().catch(() => undefined);
  await Promise.race([woken, new Promise((done) => window.setTimeout(done, 400))]);
  return sound.state === "running";
}

function burst(sound: AudioContext, at: number): void {
  const volume = sound.createGain();
  volume.gain.setValueAtTime(0, at);
  volume.gain.linearRampToValueAtTime(0.5, at + 0.02);
  volume.gain.setValueAtTime(0.5, at + 0.38);
  volume.gain.linearRampToValueAtTime(0, at + 0.42);
  volume.connect(sound.destination);
  // High enough for a phone's small speaker, apart enough to be heard over a monitor's beep.
  for (const pitch of [880, 1175]) {
    const tone = sound.createOscillator();
    tone.type = "triangle";
    tone.frequency.value = pitch;
    tone.connect(volume);
    tone.start(at);
    tone.stop(at + 0.45);
  }
}

function vibrate(pattern: VibratePattern): void {
  if ("vibrate" in navigator && navigator.userActivation?.hasBeenActive) navigator.vibrate(pattern);
}

function once(): void {
  if (context?.state !== "running") return;
  const at = context.currentTime + 0.02;
  burst(context, at);
  burst(context, at + 0.6);
  vibrate([420, 180, 420]);
}

let release: (() => void) | undefined;

// Of several tabs one sounds: whoever holds the lock while it rings. (No locks over plain http
// on another machine: then each tab sounds.)
function first(): Promise<boolean> {
  if (release || !navigator.locks) return Promise.resolve(true);
  return new Promise((answer) => {
    void navigator.locks.request("jl-sound", { ifAvailable: true }, (lock) => {
      answer(lock !== null);
      return lock ? new Promise<void>((done) => (release = done)) : undefined;
    });
  });
}

/** "sounds" here, "elsewhere" in another tab, or "blocked" by the browser. */
export async function startRing(): Promise<"sounds" | "elsewhere" | "blocked"> {
  if (!(await unlock())) return "blocked";
  if (!(await first())) return "elsewhere";
  if (!timer) {
    once();
    timer = window.setInterval(once, 2000);
  }
  return "sounds";
}

export function stopRing(): void {
  window.clearInterval(timer);
  timer = 0;
  release?.();
  release = undefined;
  vibrate(0);
}

export const sounding = (): boolean => timer !== 0 && context?.state === "running";

// Any touch of the page wakes the sound up, so that a later ring is heard.
for (const gesture of ["pointerdown", "keydown"]) {
  document.addEventListener(gesture, () => void unlock(), { passive: true, capture: true });
}
