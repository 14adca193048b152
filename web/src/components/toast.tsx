import { Link } from "@tanstack/react-router";
import { X } from "lucide-react";
import {
  Text,
  UNSTABLE_Toast as Toast,
  UNSTABLE_ToastContent as ToastContent,
  UNSTABLE_ToastQueue as ToastQueue,
  UNSTABLE_ToastRegion as ToastRegion,
} from "react-aria-components";
import { IconButton } from "./button";

type ToastMessage = { title: string; tone?: "good" | "bad"; orderId?: string; cart?: boolean };

const queue = new ToastQueue<ToastMessage>({ maxVisibleToasts: 3 });

/** Says something in passing: in the corner, and to screen readers. */
export function toast(message: ToastMessage): void {
  queue.add(message, { timeout: message.tone === "bad" ? 10_000 : 6_000 });
}

/** Where toasts appear. */
export function Toasts() {
  return (
    <ToastRegion
      queue={queue}
      className="fixed inset-x-4 bottom-4 z-50 flex flex-col gap-2 outline-none sm:left-auto sm:w-96"
    >
      {({ toast: item }) => (
        <Toast
          toast={item}
          className={`flex items-center gap-3 rounded-2xl bg-ink py-2 pr-2 pl-5 text-paper shadow-pop outline-none focus-visible:outline-3 focus-visible:outline-copper ${item.content.tone === "bad" ? "border-l-8 border-alarm" : ""}`}
        >
          <ToastContent className="flex-1 py-1.5">
            <Text slot="title" className="font-medium">
              {item.content.title}
            </Text>
            <ToastLink {...item.content} />
          </ToastContent>
          <IconButton label="Dismiss" slot="close" className="text-paper hover:bg-white/15">
            <X aria-hidden className="size-5" />
          </IconButton>
        </Toast>
      )}
    </ToastRegion>
  );
}

function ToastLink({ orderId, cart }: ToastMessage) {
  const className = "ml-2 font-semibold underline underline-offset-4";
  if (orderId) {
    return (
      <Link to="/orders/$orderId" params={{ orderId }} className={className}>
        Show order
      </Link>
    );
  }
  if (cart) {
    return (
      <Link to="/cart" className={className}>
        View cart
      </Link>
    );
  }
  return null;
}
