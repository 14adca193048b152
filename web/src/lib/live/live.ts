import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Notification, NotificationSchema } from "@taproom/sdk/taproom/notification/v1/notification_pb";
import type { Tabs } from "@/lib/session/tabs";
import { type FollowOptions, follow } from "./follow";

type TabMessage = { kind: "notice"; bytes: Uint8Array } | { kind: "connected"; lastNumber: bigint };

export type LiveOptions = Pick<
  FollowOptions,
  "notifications" | "isRefusal" | "onRefused" | "silenceMs" | "pause"
> & {
  tabs: Tabs;
  /** Whose updates. */
  visitorId: string;
  /** Something happened. Called in every tab. */
  onNotice: (notice: Notification) => void;
  /** The stream stands, anew: updates that are not kept may have been missed. Called in every tab. */
  onConnected: () => void;
};

/**
 * Live updates for all tabs of a browser through one stream: the tab that holds the lock reads it and tells the others. When
 * that tab is closed the lock passes on, and the next tab resumes after the last number that it heard.
 */
export function startLive(options: LiveOptions): () => void {
  const { tabs, visitorId } = options;
  const stop = new AbortController();
  const name = `taproom.live.${visitorId}`;
  let last: bigint | undefined;

  const notice = (value: Notification) => {
    // After a reconnection the last ones may come twice.
    if (value.number > 0n) {
      if (last !== undefined && value.number <= last) return;
      last = value.number;
    }
    options.onNotice(value);
  };
  const connected = (lastNumber: bigint) => {
    last ??= lastNumber;
    options.onConnected();
  };

  const channel = tabs.channel<TabMessage>(name, (message) => {
    if (message.kind === "connected") connected(message.lastNumber);
    else notice(fromBinary(NotificationSchema, message.bytes));
  });

  const lead = () =>
    follow({
      ...options,
      signal: stop.signal,
      lastNumber: () => last,
      onConnected: (lastNumber) => {
        channel.post({ kind: "connected", lastNumber });
        connected(lastNumber);
      },
      onNotice: (value) => {
        channel.post({ kind: "notice", bytes: toBinary(NotificationSchema, value) });
        notice(value);
      },
    });

  tabs.exclusive(name, lead, stop.signal).catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  return () => {
    stop.abort();
    channel.close();
  };
}
