import { Link } from "@tanstack/react-router";
import { type Notification, Topic } from "@taproom/sdk/taproom/notification/v1/notification_pb";
import { formatDateTime, isoDate } from "@/lib/dates";

type NotificationListProps = { notifications: Notification[]; onFollow?: () => void };

export function NotificationList({ notifications, onFollow }: NotificationListProps) {
  return (
    <ul>
      {notifications.map((notice) => (
        <li
          key={String(notice.number)}
          className="relative flex items-start gap-3 rounded-xl px-3 py-3 hover:bg-sunken"
        >
          <span
            aria-hidden
            className={`mt-2 size-2.5 shrink-0 rounded-full ${notice.read ? "bg-transparent" : "bg-copper"}`}
          />
          <div className="min-w-0">
            {!notice.read && <span className="sr-only">Unread: </span>}
            {notice.topic === Topic.ORDER ? (
              <Link
                to="/orders/$orderId"
                params={{ orderId: notice.subjectId }}
                onClick={onFollow}
                className={`after:absolute after:inset-0 after:rounded-xl ${notice.read ? "" : "font-semibold"}`}
              >
                {notice.title}
              </Link>
            ) : (
              <span>{notice.title}</span>
            )}
            <p className="text-sm text-muted">
              <time dateTime={isoDate(notice.createdAt)}>{formatDateTime(notice.createdAt)}</time>
            </p>
          </div>
        </li>
      ))}
    </ul>
  );
}
