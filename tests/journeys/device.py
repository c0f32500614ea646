"""What a browser has kept on its device, as somebody with a disk reader would find it."""

from __future__ import annotations

# Everything: every row of every IndexedDB as letters, every answer in Cache Storage, both stores.
KEPT = """async () => {
  const letters = (value) => {
    if (value instanceof ArrayBuffer) value = new Uint8Array(value);
    if (value instanceof Uint8Array) return new TextDecoder().decode(value);
    if (value instanceof CryptoKey) return `KEY ${value.extractable}`;
    if (value && typeof value === "object") {
      return Object.entries(value).map((pair) => pair.map(letters).join(":")).join(" ");
    }
    return String(value);
  };
  const ask = (request) => new Promise((done, failed) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
  });
  let rows = 0, text = "";
  const bases = await indexedDB.databases();
  for (const { name } of bases) {
    const base = await ask(indexedDB.open(name));
    for (const store of base.objectStoreNames) {
      for (const row of await ask(base.transaction(store).objectStore(store).getAll())) {
        rows += 1;
        text += letters(row) + "\\n";
      }
    }
    base.close();
  }
  const cached = {};
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      cached[new URL(request.url).pathname] = await (await cache.match(request)).text();
    }
  }
  const stores = JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage });
  return { rows, bases: bases.length, text: text + stores, stores, cached };
}"""
READY = """async () => {
  await navigator.serviceWorker.ready;
  return navigator.serviceWorker.controller !== null;
}"""
