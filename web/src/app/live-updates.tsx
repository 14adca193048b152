import { timestampMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { useTransport } from "@connectrpc/connect-query";
import { useQueryClient } from "@tanstack/react-query";
import {
  type Notification,
  NotificationService,
  Topic,
} from "@taproom/sdk/taproom/notification/v1/notification_pb";
import { useEffect } from "react";
import { toast } from "@/components/toast";
import { isUnauthenticated } from "@/lib/api/transport";
import { applyNotice, applyReconnect } from "@/lib/live/apply";
import { startLive } from "@/lib/live/live";
import type { Tabs } from "@/lib/session/tabs";
import { useSession, useVisitor } from "@/lib/session/use-session";
import type { ShopRouter } from "./router";

/** Keeps what is on the screen in step with the shop, for as long as there is a visitor. */
export function LiveUpdates({ tabs, router }: { tabs: Tabs; router: ShopRouter }) {
  const session = useSession();
  const visitor = useVisitor();
  const transport = useTransport();
  const queries = useQueryClient();
  const visitorId = "id" in visitor ? visitor.id : undefined;

  useEffect(() => {
    if (!visitorId) return;
    return startLive({
      tabs,
      visitorId,
      notifications: createClient(NotificationService, transport),
      isRefusal: isUnauthenticated,
      onRefused: async () => {
        await session.renew(await session.token());
      },
      onConnected: () => applyReconnect(queries, visitorId),
      onNotice: (notice) => {
        applyNotice(queries, notice);
        if (deservesToast(notice, router.state.location.pathname)) {
          toast({ title: notice.title, orderId: notice.subjectId });
        }
      },
    });
  }, [visitorId, tabs, transport, queries, session, router]);

  return null;
}

/** News about an order, in the tab that is looked at, unless the order itself is on the screen or the news is old. */
function deservesToast(notice: Notification, path: string): boolean {
  const recent = !notice.createdAt || Date.now() - timestampMs(notice.createdAt) < 120_000;
  return (
    notice.topic === Topic.ORDER &&
    recent &&
    document.visibilityState === "visible" &&
    !path.startsWith("/orders/") &&
    !path.startsWith("/checkout")
  );
}
