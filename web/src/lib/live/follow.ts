import type { Client } from "@connectrpc/connect";
import type { Notification, NotificationService } from "@taproom/sdk/taproom/notification/v1/notification_pb";

export type FollowOptions = {
  notifications: Pick<Client<typeof NotificationService>, "subscribe">;
  signal: AbortSignal;
  /** The number of the last kept update seen, by whichever tab; undefined before the first. */
  lastNumber: () => bigint | undefined;
  onConnected: (lastNumber: bigint) => void;
  onNotice: (notice: Notification) => void;
  /** The token was refused. */
  onRefused: (error: unknown) => Promise<void>;
  isRefusal: (error: unknown) => boolean;
  /** Silence after which a stream is taken for dead; heartbeats come every 15 seconds. */
  silenceMs?: number;
  /** Waits before the next try; ends early when it makes sense to try at once. */
  pause?: (ms: number, signal: AbortSignal) => Promise<void>;
};

/** Keeps one Subscribe stream open until the signal ends it: resumes where it broke off, and backs off while it fails. */
export async function follow(options: FollowOptions): Promise<void> {
  const { signal, pause = pauseUntilOnline } = options;
  let failures = 0;
  while (!signal.aborted) {
    try {
      await readOnce(options, () => {
        failures = 0;
      });
    } catch (error) {
      if (signal.aborted) return;
      if (options.isRefusal(error)) await options.onRefused(error).catch(() => undefined);
    }
    if (signal.aborted) return;
    const ceiling = Math.min(1_000 * 2 ** failures++, 30_000);
    await pause(ceiling * (0.5 + Math.random() / 2), signal);
  }
}

async function readOnce(options: FollowOptions, onAlive: () => void): Promise<void> {
  const { notifications, silenceMs = 40_000 } = options;
  const connection = new AbortController();
  const signal = AbortSignal.any([options.signal, connection.signal]);
  let watchdog: ReturnType<typeof setTimeout> | undefined;
  const alive = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => connection.abort(), silenceMs);
  };
  alive();
  let connected = false;
  try {
    const afterNumber = options.lastNumber();
    // A stream has no deadline: the watchdog ends it.
    for await (const { message } of notifications.subscribe({ afterNumber }, { signal, timeoutMs: 0 })) {
      alive();
      onAlive();
      if (message.case === "heartbeat" && !connected) {
        connected = true;
        options.onConnected(message.value.lastNumber);
      } else if (message.case === "notification") {
        options.onNotice(message.value);
      }
    }
  } finally {
    clearTimeout(watchdog);
    connection.abort();
  }
}

/** Waits, but not longer than the browser is offline. */
function pauseUntilOnline(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      window.removeEventListener("online", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    window.addEventListener("online", done);
    signal.addEventListener("abort", done);
  });
}
