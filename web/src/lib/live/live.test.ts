import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import {
  type Notification,
  NotificationSchema,
  NotificationService,
  type SubscribeResponse,
  SubscribeResponseSchema,
  Topic,
} from "@taproom/sdk/taproom/notification/v1/notification_pb";
import { afterEach, describe, expect, it, vi } from "vitest";
import { FakeBrowser } from "@/testing/browser";
import { startLive } from "./live";

/** A Subscribe that the test drives. */
function notificationService() {
  const streams: {
    after: bigint | undefined;
    send: (m: SubscribeResponse) => void;
    fail: (e: unknown) => void;
  }[] = [];
  let open = 0;
  const transport = createRouterTransport(({ service }) => {
    service(NotificationService, {
      async *subscribe({ afterNumber }, context) {
        const queue: SubscribeResponse[] = [];
        let wake: () => void = () => undefined;
        let failure: unknown;
        streams.push({
          after: afterNumber,
          send: (message) => {
            queue.push(message);
            wake();
          },
          fail: (error) => {
            failure = error;
            wake();
          },
        });
        open++;
        try {
          yield heartbeat(4n);
          while (!context.signal.aborted) {
            const next = queue.shift();
            if (next) yield next;
            else if (failure) throw failure;
            else
              await new Promise<void>((resolve) => {
                wake = resolve;
                context.signal.addEventListener("abort", () => resolve());
              });
          }
        } finally {
          open--;
        }
      },
    });
  });
  return { streams, notifications: createClient(NotificationService, transport), openStreams: () => open };
}

const heartbeat = (lastNumber: bigint) =>
  create(SubscribeResponseSchema, { message: { case: "heartbeat", value: { lastNumber } } });
const notice = (number: bigint, topic = Topic.ORDER) =>
  create(SubscribeResponseSchema, {
    message: {
      case: "notification",
      value: create(NotificationSchema, { number, topic, title: `n${number}` }),
    },
  });

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

function openTab(browser: FakeBrowser, service: ReturnType<typeof notificationService>, silenceMs = 5_000) {
  const heard: bigint[] = [];
  const onConnected = vi.fn();
  const onRefused = vi.fn(async () => undefined);
  const stop = startLive({
    tabs: browser.tab(),
    visitorId: "v1",
    notifications: service.notifications,
    isRefusal: (error) => error instanceof ConnectError && error.code === Code.Unauthenticated,
    onRefused,
    onConnected,
    onNotice: (value: Notification) => heard.push(value.number),
    silenceMs,
    pause: () => new Promise((resolve) => setTimeout(resolve, 5)),
  });
  stops.push(stop);
  return { heard, onConnected, onRefused, stop };
}

describe("live updates", () => {
  it("come to all tabs through one stream", async () => {
    const [browser, service] = [new FakeBrowser(), notificationService()];
    const [one, two] = [openTab(browser, service), openTab(browser, service)];
    await vi.waitFor(() => expect(service.streams).toHaveLength(1));
    service.streams[0]?.send(notice(5n));
    service.streams[0]?.send(notice(0n, Topic.CART));
    await vi.waitFor(() => expect(two.heard).toEqual([5n, 0n]));
    expect(one.heard).toEqual([5n, 0n]);
    expect(two.onConnected).toHaveBeenCalled();
    expect(service.openStreams()).toBe(1);
  });

  it("go on in another tab, after the last number, when the leading one is closed", async () => {
    const [browser, service] = [new FakeBrowser(), notificationService()];
    const [one, two] = [openTab(browser, service), openTab(browser, service)];
    await vi.waitFor(() => expect(service.streams).toHaveLength(1));
    service.streams[0]?.send(notice(5n));
    await vi.waitFor(() => expect(two.heard).toEqual([5n]));
    one.stop();
    await vi.waitFor(() => expect(service.streams).toHaveLength(2));
    expect(service.streams[1]?.after).toBe(5n);
    // What is sent again is heard once.
    service.streams[1]?.send(notice(5n));
    service.streams[1]?.send(notice(6n));
    await vi.waitFor(() => expect(two.heard).toEqual([5n, 6n]));
  });

  it("resume after a broken stream, from the number of the first heartbeat", async () => {
    const [browser, service] = [new FakeBrowser(), notificationService()];
    const tab = openTab(browser, service);
    await vi.waitFor(() => expect(tab.onConnected).toHaveBeenCalledTimes(1));
    expect(service.streams[0]?.after).toBeUndefined();
    service.streams[0]?.fail(new ConnectError("gone", Code.Unavailable));
    await vi.waitFor(() => expect(tab.onConnected).toHaveBeenCalledTimes(2));
    expect(service.streams[1]?.after).toBe(4n);
  });

  it("have a new token fetched when theirs is refused", async () => {
    const [browser, service] = [new FakeBrowser(), notificationService()];
    const tab = openTab(browser, service);
    await vi.waitFor(() => expect(service.streams).toHaveLength(1));
    service.streams[0]?.fail(new ConnectError("expired", Code.Unauthenticated));
    await vi.waitFor(() => expect(service.streams).toHaveLength(2));
    expect(tab.onRefused).toHaveBeenCalledTimes(1);
  });

  it("take a silent stream for dead", async () => {
    const [browser, service] = [new FakeBrowser(), notificationService()];
    openTab(browser, service, 30);
    await vi.waitFor(() => expect(service.streams.length).toBeGreaterThan(1));
    await vi.waitFor(() => expect(service.openStreams()).toBe(1));
  });

  it("end with the last tab", async () => {
    const [browser, service] = [new FakeBrowser(), notificationService()];
    const tab = openTab(browser, service);
    await vi.waitFor(() => expect(service.openStreams()).toBe(1));
    tab.stop();
    await vi.waitFor(() => expect(service.openStreams()).toBe(0));
  });
});
