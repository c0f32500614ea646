// SHA-256 of a file, so that the server can tell that it arrived whole. Web Crypto where there is
// one; behind plain http browsers have none, and FIPS 180-4 is computed here.
const hex = (words: Iterable<number>, width: number): string =>
  [...words].map((word) => word.toString(16).padStart(width, "0")).join("");

export async function sha256(file: Blob): Promise<string> {
  if (!crypto.subtle) return plain(file);
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer())), 2);
}

/** The first 32 bits of the fractional parts of a root of the first primes. */
function fractions(count: number, root: number): Uint32Array {
  const found: number[] = [];
  for (let n = 2; found.length < count; n++) {
    if (![...Array(n).keys()].some((d) => d > 1 && n % d === 0)) found.push((n ** (1 / root) % 1) * 2 ** 32);
  }
  return Uint32Array.from(found);
}

const STEP = 1 << 20; // bytes between two breaths, so that the page stays alive
const turn = (word: number, by: number): number => (word >>> by) | (word << (32 - by));

async function plain(file: Blob): Promise<string> {
  const state = fractions(8, 2);
  const constants = fractions(64, 3);
  const tail = new Uint8Array((file.size % 64 < 56 ? 64 : 128) - (file.size % 64));
  tail[0] = 0x80;
  new DataView(tail.buffer).setBigUint64(tail.length - 8, BigInt(file.size) * 8n);
  const padded = new Blob([file, tail]);
  for (let at = 0; at < padded.size; at += STEP) {
    const bytes = new DataView(await padded.slice(at, at + STEP).arrayBuffer());
    for (let block = 0; block < bytes.byteLength; block += 64) mix(state, constants, bytes, block);
    await new Promise((done) => setTimeout(done));
  }
  return hex(state, 8);
}

function mix(state: Uint32Array, constants: Uint32Array, bytes: DataView, block: number): void {
  const w = new Uint32Array(64);
  for (let i = 0; i < 64; i++) {
    if (i < 16) w[i] = bytes.getUint32(block + i * 4);
    else {
      const early = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ (w[i - 15] >>> 3);
      const late = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ (w[i - 2] >>> 10);
      w[i] = w[i - 16] + early + w[i - 7] + late;
    }
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    const one = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + constants[i] + w[i];
    const other = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + other) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => (state[i] += word));
}
