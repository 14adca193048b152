import { create, type DescMessage, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator } from "@bufbuild/protovalidate";
import { useCallback, useState } from "react";
import { fieldErrorsOf } from "./errors/details";

const validator = createValidator();

/** Errors by field path, such as `address.postal_code`. */
export type FieldErrors = Record<string, string>;

/**
 * A form whose fields make up a request: it is held against the schema's rules, the same as the server's. `hints` words what a
 * field wants where the rule's own words would not help, such as a pattern.
 */
export function useProtoForm<Desc extends DescMessage>(schema: Desc, hints: FieldErrors = {}) {
  const [errors, setErrors] = useState<FieldErrors>({});

  /** The request when it obeys the rules; otherwise shows what doesn't and puts the focus there. */
  const check = (init: MessageInitShape<Desc>): MessageShape<Desc> | undefined => {
    const message = create(schema, init);
    const found = validate(schema, message, hints);
    show(found);
    return Object.keys(found).length === 0 ? message : undefined;
  };

  const show = (found: FieldErrors) => {
    setErrors(found);
    if (Object.keys(found).length > 0) setTimeout(focusFirstError);
  };

  /** Shows what the server holds against fields; false when it names none of them. */
  const showServerErrors = (error: unknown): boolean => {
    const found = fieldErrorsOf(error);
    show(found);
    return Object.keys(found).length > 0;
  };

  const clear = useCallback((path: string) => {
    setErrors(({ [path]: _, ...rest }) => rest);
  }, []);

  return { errors, check, clear, showServerErrors };
}

function validate<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  hints: FieldErrors,
): FieldErrors {
  const result = validator.validate(schema, message);
  if (result.kind === "error") throw result.error;
  const found: FieldErrors = {};
  for (const violation of result.violations ?? []) {
    const path = pathToString(violation.field);
    found[path] ??= hints[path] ?? sentence(violation.message);
  }
  return found;
}

/** `must be at least 10 characters` becomes a sentence. */
function sentence(text: string): string {
  const plain = text.replace(/^value /, "");
  return `${plain.charAt(0).toUpperCase()}${plain.slice(1)}.`;
}

function focusFirstError(): void {
  document.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
}
