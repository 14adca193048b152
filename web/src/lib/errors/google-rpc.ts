import { create, createFileRegistry } from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";

// The two messages of google/rpc/error_details.proto that the shop sends. No npm package carries them for protobuf-es, and
// the schema does not import them, so they are declared here: field numbers as published in googleapis.
const text = (name: string, number: number) => ({ name, number, type: Type.STRING, label: Label.OPTIONAL });
const messages = (name: string, number: number, typeName: string) => ({
  name,
  number,
  typeName,
  type: Type.MESSAGE,
  label: Label.REPEATED,
});

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
        messages("metadata", 3, ".google.rpc.ErrorInfo.MetadataEntry"),
      ],
      nestedType: [
        { name: "MetadataEntry", field: [text("key", 1), text("value", 2)], options: { mapEntry: true } },
      ],
    },
    {
      name: "BadRequest",
      field: [messages("field_violations", 1, ".google.rpc.BadRequest.FieldViolation")],
      nestedType: [
        { name: "FieldViolation", field: [text("field", 1), text("description", 2), text("reason", 3)] },
      ],
    },
  ],
});

/** Decodes `google.rpc.ErrorInfo` and `google.rpc.BadRequest`. */
export const googleRpc = createFileRegistry(file, () => undefined);

export const errorInfoType = "google.rpc.ErrorInfo";
export const badRequestType = "google.rpc.BadRequest";
