import { createLink } from "@tanstack/react-router";
import { LoaderCircle } from "lucide-react";
import type { AnchorHTMLAttributes, ReactNode, Ref } from "react";
import { Button as AriaButton, type ButtonProps as AriaButtonProps } from "react-aria-components";

type Look = { variant?: "primary" | "secondary" | "quiet" | "danger"; size?: "small" | "normal" | "large" };

const base =
  "inline-flex cursor-pointer select-none items-center justify-center gap-2 rounded-full font-semibold whitespace-nowrap transition-colors disabled:cursor-not-allowed disabled:opacity-50 aria-disabled:cursor-default";
const variants = {
  primary: "bg-copper text-on-copper hover:bg-copper-strong pressed:bg-copper-strong",
  secondary: "border border-edge bg-surface text-ink hover:bg-sunken pressed:bg-sunken",
  quiet: "text-copper hover:bg-sunken pressed:bg-sunken",
  danger: "border border-alarm bg-surface text-alarm hover:bg-alarm-soft pressed:bg-alarm-soft",
};
const sizes = {
  small: "min-h-9 px-3.5 text-sm",
  normal: "min-h-11 px-5 text-base",
  large: "min-h-13 px-7 text-lg",
};

const look = ({ variant = "primary", size = "normal" }: Look, extra = "") =>
  `${base} ${variants[variant]} ${sizes[size]} ${extra}`;

type PlainProps = Omit<AriaButtonProps, "className" | "children"> & {
  className?: string;
  children: ReactNode;
};

/** A button; while `isPending` it says so, keeps the focus and can't be pressed. */
export function Button({
  variant,
  size,
  className,
  children,
  isPending,
  onPress,
  type,
  ...props
}: Look & PlainProps) {
  return (
    <AriaButton
      {...props}
      // The components' own pending state leaves unnamed images behind for screen readers.
      aria-disabled={isPending || undefined}
      onPress={isPending ? undefined : onPress}
      type={isPending ? "button" : type}
      className={look({ variant, size }, className)}
    >
      {isPending && (
        <>
          <LoaderCircle aria-hidden className="size-5 animate-spin" />
          <span className="sr-only">One moment:</span>
        </>
      )}
      {children}
    </AriaButton>
  );
}

type AnchorProps = Look & AnchorHTMLAttributes<HTMLAnchorElement> & { ref?: Ref<HTMLAnchorElement> };

/** A link that looks like a button. */
export const ButtonLink = createLink(({ variant, size, className, ...props }: AnchorProps) => (
  <a {...props} className={look({ variant, size }, className)}>
    {props.children}
  </a>
));

/** A round button with a picture only. */
export function IconButton({ label, className = "", children, ...props }: PlainProps & { label: string }) {
  return (
    <AriaButton
      {...props}
      aria-label={label}
      className={`inline-flex size-11 shrink-0 cursor-pointer items-center justify-center rounded-full text-ink transition-colors hover:bg-sunken pressed:bg-sunken disabled:cursor-not-allowed disabled:opacity-50 ${className}`}
    >
      {children}
    </AriaButton>
  );
}
