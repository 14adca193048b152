import { useInfiniteQuery } from "@connectrpc/connect-query";
import { NotificationService } from "@taproom/sdk/taproom/notification/v1/notification_pb";
import { BellOff, CheckCheck } from "lucide-react";
import { Button } from "@/components/button";
import { PanelHeading } from "@/components/panel-heading";
import { Empty, LoadError, Loading, Skeleton } from "@/components/states";
import { NotificationList } from "./notification-list";
import { useMarkRead } from "./use-mark-read";

export function NotificationsPage() {
  const query = useInfiniteQuery(
    NotificationService.method.listNotifications,
    { pageSize: 30, pageToken: "" },
    { pageParamKey: "pageToken", getNextPageParam: (page) => page.nextPageToken || undefined },
  );
  const markRead = useMarkRead();
  const all = query.data?.pages.flatMap((page) => page.notifications) ?? [];
  const unread = query.data?.pages[0]?.unreadCount ?? 0n;

  return (
    <>
      <PanelHeading title="Notifications">
        {unread > 0n && (
          <Button variant="secondary" size="small" onPress={() => markRead(all)}>
            <CheckCheck aria-hidden className="size-4" />
            Mark all as read
          </Button>
        )}
      </PanelHeading>
      {query.isPending && (
        <Loading label="Loading notifications">
          <Skeleton className="h-64" />
        </Loading>
      )}
      {query.error && !query.data && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {query.data && all.length === 0 && <Empty title="Nothing yet" icon={<BellOff className="size-7" />} />}
      <NotificationList notifications={all} />
      {query.hasNextPage && (
        <Button
          variant="secondary"
          className="mt-5"
          isPending={query.isFetchingNextPage}
          onPress={() => void query.fetchNextPage()}
        >
          Show older ones
        </Button>
      )}
    </>
  );
}
