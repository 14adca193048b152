import { type Code, ConnectError } from "@connectrpc/connect";
import { badRequestType, errorInfoType, googleRpc } from "@/lib/errors/google-rpc";

type Extra = { metadata?: Record<string, string>; fields?: Record<string, string> };

/** An error as the shop's services send it. */
export function shopError(code: Code, reason: string, { metadata = {}, fields }: Extra = {}): ConnectError {
  const details = [detail(errorInfoType, { reason, domain: "taproom", metadata })];
  if (fields) {
    const fieldViolations = Object.entries(fields).map(([field, description]) => ({ field, description }));
    details.push(detail(badRequestType, { fieldViolations }));
  }
  return new ConnectError("for developers only", code, undefined, details);
}

function detail(typeName: string, value: Record<string, unknown>) {
  const desc = googleRpc.getMessage(typeName);
  if (!desc) throw new Error(`${typeName} is not declared`);
  return { desc, value };
}
