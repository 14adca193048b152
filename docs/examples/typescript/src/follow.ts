import { setTimeout as sleep } from "node:timers/promises";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type Notification, Topic } from "@taproom/sdk/taproom/notification/v1/notification_pb";
import type { Client } from "./client.ts";
import { reasonOf } from "./errors.ts";

/**
 * Prints what happens to the order until it is delivered. Notifications are numbered without gaps, and whoever comes back
 * names the last number seen: a stream that breaks, as any does now and then, loses and doubles nothing.
 */
export async function follow(client: Client, orderId: string) {
  let afterNumber = 0n; // from the first on: the order's news may have come before we listen
  for (;;) {
    const listening = new AbortController();
    try {
      const stream = client.notifications.subscribe(
        { afterNumber, topics: [Topic.ORDER] },
        { signal: listening.signal },
      );
      for await (const { message } of stream) {
        if (message.case !== "notification") continue; // a heartbeat: the stream lives
        afterNumber = message.value.number;
        if (message.value.subjectId !== orderId) continue;
        print(message.value);
        if (message.value.state === "DELIVERED") return;
        if (message.value.state === "CANCELLED") throw new Cancelled(`order ${orderId} was cancelled`);
      }
    } catch (error) {
      // An error with a reason is the shop's answer, which asking again won't change; the others are the network's.
      const reason = reasonOf(error);
      if (error instanceof Cancelled || (reason && reason !== "TOKEN_EXPIRED")) throw error;
    } finally {
      listening.abort(); // leaving the loop does not end the call
    }
    await sleep(1000);
  }
}

class Cancelled extends Error {}

function print({ createdAt, type, title }: Notification) {
  const time = createdAt ? timestampDate(createdAt).toLocaleTimeString("en-GB") : "";
  console.log(`${time}  ${type.padEnd(18)} ${title}`);
}
