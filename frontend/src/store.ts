// The one place on this device where anything is kept: an IndexedDB of sealed rows. A row tells
// how old it is, whose it is, and whether it waits to be sent; nothing else without the key.
import type { Sealed } from "./seal";

export interface Row extends Sealed {
  id: string;
  owner: string;
  at: number;
  queued: boolean;
}

const NAME = "jieli";
const KEPT = "kept";
export const DUTY = "jl-duty"; // the Cache Storage of the duty telephones

function opened(): Promise<IDBDatabase> {
  return new Promise((done, failed) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(KEPT, { keyPath: "id" });
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
  });
}

/** Opened for one question and closed again: wiping never waits for a forgotten connection. */
async function ask<T>(mode: IDBTransactionMode, question: (rows: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const base = await opened();
  try {
    return await new Promise((done, failed) => {
      const work = base.transaction(KEPT, mode, { durability: "strict" });
      const request = question(work.objectStore(KEPT));
      work.oncomplete = () => done(request.result);
      work.onerror = work.onabort = () => failed(work.error);
    });
  } finally {
    base.close();
  }
}

export const rows = (): Promise<Row[]> => ask("readonly", (kept) => kept.getAll() as IDBRequest<Row[]>);
export const put = async (row: Row): Promise<void> => void (await ask("readwrite", (kept) => kept.put(row)));
export const remove = async (id: string): Promise<void> => void (await ask("readwrite", (kept) => kept.delete(id)));

/** Everything that anybody left on this device. */
export async function wipeStore(): Promise<void> {
  if (typeof indexedDB !== "undefined") {
    await ask("readwrite", (kept) => kept.clear());
    await new Promise((done) => {
      const request = indexedDB.deleteDatabase(NAME);
      request.onsuccess = request.onerror = request.onblocked = done;
    });
  }
  if (typeof caches !== "undefined") await caches.delete(DUTY);
}
