import type { Tabs } from "@/lib/session/tabs";

type Listener = (message: unknown) => void;

/** A browser whose tabs share locks and channels, without a browser. */
export class FakeBrowser {
  readonly #channels = new Map<string, Set<Listener>>();
  readonly #locks = new Map<string, Promise<unknown>>();
  readonly cookies = new Map<string, string>();
  readonly storage = new FakeStorage();

  tab(): Tabs {
    return {
      exclusive: async (name, work, signal) => {
        const before = this.#locks.get(name) ?? Promise.resolve();
        const run = before.then(() => {
          signal?.throwIfAborted();
          return work();
        });
        this.#locks.set(
          name,
          run.catch(() => undefined),
        );
        return run;
      },
      channel: (name, hear) => {
        const members = this.#channels.get(name) ?? new Set();
        this.#channels.set(name, members);
        const own = hear as Listener;
        members.add(own);
        return {
          post: (message) => {
            const copy = structuredClone(message);
            for (const other of members) if (other !== own) queueMicrotask(() => other(copy));
          },
          close: () => members.delete(own),
        };
      },
    };
  }
}

class FakeStorage {
  readonly #items = new Map<string, string>();
  getItem = (key: string) => this.#items.get(key) ?? null;
  setItem = (key: string, value: string) => void this.#items.set(key, value);
  removeItem = (key: string) => void this.#items.delete(key);
}
