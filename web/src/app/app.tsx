import { TransportProvider } from "@connectrpc/connect-query";
import { QueryClientProvider } from "@tanstack/react-query";
import { type RouterHistory, RouterProvider } from "@tanstack/react-router";
import { lazy, type ReactNode, Suspense, useMemo } from "react";
import { SessionContext, useVisitor } from "@/lib/session/use-session";
import { createShopRouter } from "./router";
import type { Shop } from "./shop";

const LiveUpdates = lazy(async () => ({ default: (await import("./live-updates")).LiveUpdates }));

export function App({ session, transport, queries, tabs, history }: Shop & { history?: RouterHistory }) {
  const router = useMemo(() => createShopRouter(history), [history]);
  return (
    <SessionContext value={session}>
      <TransportProvider transport={transport}>
        <QueryClientProvider client={queries}>
          <WithVisitor>
            <LiveUpdates tabs={tabs} router={router} />
          </WithVisitor>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </TransportProvider>
    </SessionContext>
  );
}

/** Renders nothing while there is nobody whom anything could concern. */
function WithVisitor({ children }: { children: ReactNode }) {
  const visitor = useVisitor();
  return "id" in visitor && <Suspense>{children}</Suspense>;
}
