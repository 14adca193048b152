import { createConnectQueryKey, useMutation } from "@connectrpc/connect-query";
import { useQueryClient } from "@tanstack/react-query";
import { type Notification, NotificationService } from "@taproom/sdk/taproom/notification/v1/notification_pb";

const { listNotifications, markNotificationsRead } = NotificationService.method;

/** Marks all of these, and what came before them, as read. */
export function useMarkRead() {
  const client = useQueryClient();
  const mark = useMutation(markNotificationsRead, {
    onSuccess: () =>
      client.invalidateQueries({
        queryKey: createConnectQueryKey({ schema: listNotifications, cardinality: undefined }),
      }),
  });
  return (shown: Notification[]) => {
    const newest = shown.reduce((max, { number, read }) => (!read && number > max ? number : max), 0n);
    if (newest > 0n) mark.mutate({ upToNumber: newest });
  };
}
