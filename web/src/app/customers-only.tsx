import { Outlet, useNavigate, useRouter } from "@tanstack/react-router";
import { useEffect } from "react";
import { Loading, Skeleton } from "@/components/states";
import { useVisitor } from "@/lib/session/use-session";

/** Pages for people with an account. Others sign in first and come back here. */
export function CustomersOnly() {
  const { status } = useVisitor();
  const router = useRouter();
  const navigate = useNavigate();

  useEffect(() => {
    if (status === "customer" || status === "restoring") return;
    void navigate({ to: "/sign-in", search: { next: router.state.location.href }, replace: true });
  }, [status, navigate, router]);

  if (status === "customer") return <Outlet />;
  return (
    <div className="page py-12">
      <Loading label="One moment">
        <Skeleton className="h-10 w-64" />
        <Skeleton className="mt-8 h-72 w-full" />
      </Loading>
    </div>
  );
}
