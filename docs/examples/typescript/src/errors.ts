import { create, createFileRegistry, type Message, toJson } from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";

type ErrorInfo = { reason?: string; domain?: string; metadata?: Record<string, string> };

// google.rpc.ErrorInfo, which no npm package carries for protobuf-es, as googleapis publishes it.
const text = (name: string, number: number) => ({
  name,
  jsonName: name,
  number,
  type: Type.STRING,
  label: Label.OPTIONAL,
});
const typeName = ".google.rpc.ErrorInfo.MetadataEntry";
const file = create(FileDescriptorProtoSchema, {
  name: "google/rpc/error_details.proto",
  package: "google.rpc",
  syntax: "proto3",
  messageType: [
    {
      name: "ErrorInfo",
      field: [
        text("reason", 1),
        text("domain", 2),
        { ...text("metadata", 3), type: Type.MESSAGE, label: Label.REPEATED, typeName },
      ],
      nestedType: [
        { name: "MetadataEntry", field: [text("key", 1), text("value", 2)], options: { mapEntry: true } },
      ],
    },
  ],
});
const errorInfo = createFileRegistry(file, () => undefined).getMessage("google.rpc.ErrorInfo");

/** The machine-readable half of an error: every error of the shop has one. */
function infoOf(error: unknown): ErrorInfo | undefined {
  if (!errorInfo || !(error instanceof ConnectError)) return undefined;
  const found: Message | undefined = error.findDetails(errorInfo)[0];
  return found && (toJson(errorInfo, found) as ErrorInfo);
}

/** What a program decides by: texts are for people and may change, reasons stay. */
export const reasonOf = (error: unknown) => infoOf(error)?.reason;

/** What the person at the keyboard can do about an error. */
export function explain(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  switch (reasonOf(error)) {
    case "CREDENTIALS_INVALID":
      return `${message}; set TAPROOM_EMAIL and TAPROOM_PASSWORD, or neither for a new account`;
    case "ORDER_IN_PROGRESS":
      return `${message}; wait for order ${infoOf(error)?.metadata?.order_id}`;
    case "CARD_DECLINED":
    case "WALLET_LIMIT":
      return `${message}; nothing was charged`;
    case undefined:
      if (error instanceof ConnectError && error.code === Code.Unavailable) {
        return `${message}; is the shop running, and --url its address?`;
      }
  }
  return message;
}
