import { useQuery } from "@connectrpc/connect-query";
import { Link } from "@tanstack/react-router";
import { NotificationService } from "@taproom/sdk/taproom/notification/v1/notification_pb";
import { Bell } from "lucide-react";
import { useState } from "react";
import { Dialog, DialogTrigger, Heading, Popover } from "react-aria-components";
import { IconButton } from "@/components/button";
import { NotificationList } from "./notification-list";
import { useMarkRead } from "./use-mark-read";

/** The news, with how many are unread. What was shown counts as read once the bell is closed. */
export function NotificationBell() {
  const [open, setOpen] = useState(false);
  const { data } = useQuery(NotificationService.method.listNotifications, { pageSize: 8 });
  const markRead = useMarkRead();
  const news = data?.notifications ?? [];
  const unread = Number(data?.unreadCount ?? 0n);

  const change = (next: boolean) => {
    setOpen(next);
    if (!next) markRead(news);
  };

  return (
    <DialogTrigger isOpen={open} onOpenChange={change}>
      <IconButton
        label={unread === 0 ? "Notifications" : `Notifications, ${unread} unread`}
        className="relative"
      >
        <Bell aria-hidden className="size-5" />
        {unread > 0 && (
          <span
            aria-hidden
            className="figures absolute -top-0.5 -right-0.5 flex h-5 min-w-5 items-center justify-center rounded-full bg-copper px-1 text-xs font-bold text-on-copper"
          >
            {unread > 99 ? "99+" : unread}
          </span>
        )}
      </IconButton>
      <Popover placement="bottom end" className="card w-[min(24rem,94vw)] shadow-pop">
        <Dialog className="outline-none">
          <div className="flex items-center justify-between gap-4 border-b border-line px-5 py-3.5">
            <Heading slot="title" className="text-lg font-bold">
              Notifications
            </Heading>
            <Link to="/account/notifications" className="link text-sm" onClick={() => change(false)}>
              All of them
            </Link>
          </div>
          <div className="max-h-[60dvh] overflow-y-auto p-2">
            {news.length === 0 ? (
              <p className="px-3 py-8 text-center text-muted">Nothing yet.</p>
            ) : (
              <NotificationList notifications={news} onFollow={() => change(false)} />
            )}
          </div>
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}
