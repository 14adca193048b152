import { X } from "lucide-react";
import type { ReactNode } from "react";
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import { IconButton } from "./button";

type DialogProps = {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  /** It asks about something that can't be undone. */
  alert?: boolean;
  /** Slides in from the side, over the whole height. */
  side?: boolean;
  children: ReactNode;
};

/** A dialog over the page; Escape, the cross and a click outside close it. */
export function Dialog({ title, isOpen, onClose, alert, side, children }: DialogProps) {
  const place = side
    ? "ml-auto h-full w-[min(24rem,92vw)] overflow-y-auto bg-paper"
    : "m-auto max-h-[90dvh] w-full max-w-lg overflow-y-auto rounded-3xl bg-paper";
  return (
    <ModalOverlay
      isOpen={isOpen}
      onOpenChange={(open) => !open && onClose()}
      isDismissable
      className={`fixed inset-0 z-40 flex bg-black/50 ${side ? "" : "p-4"}`}
    >
      <Modal className={`${place} shadow-pop`}>
        <AriaDialog role={alert ? "alertdialog" : "dialog"} className="p-6 outline-none">
          <div className="mb-5 flex items-start justify-between gap-4">
            <Heading slot="title" className="pt-1.5 text-2xl font-bold">
              {title}
            </Heading>
            <IconButton label="Close" onPress={onClose} className="-mr-2">
              <X aria-hidden className="size-5" />
            </IconButton>
          </div>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}
