import { useNavigate } from "@tanstack/react-router";
import { type ReactNode, useEffect } from "react";
import { usePageTitle } from "@/components/page";
import { useVisitor } from "@/lib/session/use-session";

/** The frame of sign-in and registration. Who is signed in, be it by another tab, is sent on. */
export function AuthFrame({
  title,
  next,
  children,
}: {
  title: string;
  next: string | undefined;
  children: ReactNode;
}) {
  usePageTitle(title);
  const { status } = useVisitor();
  const navigate = useNavigate();
  useEffect(() => {
    if (status === "customer") void navigate({ href: next ?? "/", replace: true });
  }, [status, next, navigate]);

  return (
    <div className="page flex justify-center py-10 sm:py-16">
      <div className="w-full max-w-md">
        <h1 className="mb-7 text-center text-4xl font-extrabold">{title}</h1>
        <div className="card p-6 sm:p-8">{children}</div>
      </div>
    </div>
  );
}
