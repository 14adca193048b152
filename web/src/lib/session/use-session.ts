import { createContext, use, useSyncExternalStore } from "react";
import type { Session, Visitor } from "./session";

export const SessionContext = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  const session = use(SessionContext);
  if (!session) throw new Error("SessionContext is missing");
  return session;
}

/** Who the visitor is; renders again when that changes, in whichever tab it does. */
export function useVisitor(): Visitor {
  const session = useSession();
  return useSyncExternalStore(session.subscribe, session.visitor);
}
