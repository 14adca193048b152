import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Role, type Session as SessionMessage } from "@taproom/sdk/taproom/user/v1/user_pb";

/** Proof of who the visitor is, as a tab keeps it: in memory only. */
export type Proof = {
  token: string;
  /** When to stop using it, by this computer's clock, in milliseconds. */
  endsAt: number;
  subjectId: string;
  role: "guest" | "customer" | "staff";
};

/** A token this close to its end is renewed before it is used, so that it doesn't end on its way. */
const margin = 20_000;

export function proofOf(session: SessionMessage, now: number): Proof {
  return {
    token: session.accessToken,
    endsAt: now + lifetime(session, now),
    subjectId: session.subjectId,
    role: session.role === Role.GUEST ? "guest" : session.role === Role.STAFF ? "staff" : "customer",
  };
}

export const isFresh = (proof: Proof, now: number) => proof.endsAt - margin > now;

/** How long the token lives. The token's own issue and end times are compared, since this computer's clock may be wrong. */
function lifetime(session: SessionMessage, now: number): number {
  const claims = decodeClaims(session.accessToken);
  if (claims) return (claims.exp - claims.iat) * 1000;
  return session.expiresAt ? timestampMs(session.expiresAt) - now : 0;
}

function decodeClaims(token: string): { iat: number; exp: number } | undefined {
  try {
    const claims = JSON.parse(atob((token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/")));
    return typeof claims.iat === "number" && typeof claims.exp === "number" ? claims : undefined;
  } catch {
    return undefined;
  }
}
