import type { Message } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { badRequestType, errorInfoType, googleRpc } from "./google-rpc";

type ErrorInfo = { reason: string; metadata: Record<string, string> };
type BadRequest = { fieldViolations: { field: string; description: string }[] };

/** The machine-readable reason of an error, such as `QUOTE_CHANGED`; empty when it carries none. */
export function reasonOf(error: unknown): string {
  return infoOf(error)?.reason ?? "";
}

/** What the error says about one key, such as `order_id`. */
export function metadataOf(error: unknown, key: string): string | undefined {
  return infoOf(error)?.metadata[key];
}

/** What the server holds against each field, by the field's path in the request. */
export function fieldErrorsOf(error: unknown): Record<string, string> {
  const violations = detail<BadRequest>(error, badRequestType)?.fieldViolations ?? [];
  return Object.fromEntries(violations.map((v) => [v.field, v.description || "This value is not accepted."]));
}

const infoOf = (error: unknown) => detail<ErrorInfo>(error, errorInfoType);

function detail<T>(error: unknown, typeName: string): T | undefined {
  const schema = googleRpc.getMessage(typeName);
  if (!(error instanceof ConnectError) || !schema) return undefined;
  return error.findDetails(schema)[0] as (Message & T) | undefined;
}
