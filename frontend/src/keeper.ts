// A worker that writes chunks of recordings to this browser's own files and has them on the disk
// before it says so: only here can a page ask for that (flush is fsync).
interface Order {
  id: number;
  run: string;
  name: string;
  bytes: ArrayBuffer;
}
interface Sync {
  truncate(size: number): void;
  write(bytes: ArrayBuffer, options: { at: number }): number;
  flush(): void;
  close(): void;
}
type Worked = { id: number; error?: string };

async function write({ run, name, bytes }: Order): Promise<void> {
  const root = await navigator.storage.getDirectory();
  const all = await root.getDirectoryHandle("jl-recordings", { create: true });
  const folder = await all.getDirectoryHandle(run, { create: true });
  const file = await folder.getFileHandle(name, { create: true });
  const open = file as unknown as { createSyncAccessHandle(): Promise<Sync> };
  const handle = await open.createSyncAccessHandle();
  let whole = false;
  try {
    handle.truncate(0);
    whole = handle.write(bytes, { at: 0 }) === bytes.byteLength;
    handle.flush();
  } finally {
    handle.close();
    if (!whole) await folder.removeEntry(name).catch(() => undefined); // nothing half-stored
  }
  if (!whole) throw new DOMException("", "QuotaExceededError");
}

let line: Promise<void> = Promise.resolve(); // one after the other: their order is that of the film
self.onmessage = (event: MessageEvent<Order>) => {
  const order = event.data;
  line = line.then(async () => {
    const said: Worked = { id: order.id };
    try {
      await write(order);
    } catch (fault) {
      said.error = fault instanceof DOMException ? fault.name : String(fault);
    }
    (self as unknown as { postMessage(said: Worked): void }).postMessage(said);
  });
};
