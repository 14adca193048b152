/** What the tabs of one browser need to act as one: a lock that only one holds, and a channel that all hear. */
export type Tabs = {
  /** Runs `work` while no other tab runs work of the same name. Rejects when the signal aborts the wait. */
  exclusive<T>(name: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Opens a channel to the other tabs; what this tab posts, it does not hear itself. */
  channel<M>(name: string, hear: (message: M) => void): TabChannel<M>;
};

export type TabChannel<M> = { post(message: M): void; close(): void };

/** The browser's own: Web Locks and BroadcastChannel. Without Web Locks (a plain-text origin) each tab is on its own. */
export function browserTabs(): Tabs {
  const locks = typeof navigator === "undefined" ? undefined : navigator.locks;
  return {
    exclusive: locks
      ? async (name, work, signal) => await locks.request(name, signal ? { signal } : {}, work)
      : lonelyLock(),
    channel: (name, hear) => {
      const channel = new BroadcastChannel(name);
      channel.onmessage = (event) => hear(event.data);
      return { post: (message) => channel.postMessage(message), close: () => channel.close() };
    },
  };
}

/** A lock within this tab. */
function lonelyLock(): Tabs["exclusive"] {
  const tails = new Map<string, Promise<unknown>>();
  return async (name, work, signal) => {
    const before = tails.get(name) ?? Promise.resolve();
    const run = before.then(() => {
      signal?.throwIfAborted();
      return work();
    });
    tails.set(
      name,
      run.catch(() => undefined),
    );
    return await run;
  };
}
