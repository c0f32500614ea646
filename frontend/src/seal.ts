// The key under which this device keeps text. The server derives it from the account and sends it
// with each page, masked; here it is never written down: without a session what is kept is noise.
// Used by the pages and by the service worker, so nothing here needs a document.
export interface Sealed {
  iv: Uint8Array<ArrayBuffer>;
  text: ArrayBuffer;
}

/** Web Crypto exists only behind https (and on this machine itself). */
export const canSeal = (): boolean => typeof crypto !== "undefined" && crypto.subtle !== undefined && typeof indexedDB !== "undefined";

export async function openSeal(masked: string): Promise<CryptoKey | undefined> {
  if (!masked || !canSeal()) return undefined;
  const both = Uint8Array.from(atob(masked), (letter) => letter.charCodeAt(0));
  const half = both.length / 2;
  const bytes = both.slice(0, half).map((byte, index) => byte ^ both[half + index]);
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}

/** `name` is bound in: a sealed text that is moved under another name does not open. */
export async function seal(key: CryptoKey, name: string, content: unknown): Promise<Sealed> {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const additionalData = new TextEncoder().encode(name);
  const plain = new TextEncoder().encode(JSON.stringify(content));
  return { iv, text: await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData }, key, plain) };
}

export async function unseal<T>(key: CryptoKey, name: string, sealed: Sealed): Promise<T | undefined> {
  try {
    const additionalData = new TextEncoder().encode(name);
    const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: sealed.iv, additionalData }, key, sealed.text);
    return JSON.parse(new TextDecoder().decode(plain)) as T;
  } catch {
    return undefined; // another key: of another account, or of a password that was changed
  }
}
