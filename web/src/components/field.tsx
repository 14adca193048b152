import type { HTMLInputAutoCompleteAttribute, ReactNode, SelectHTMLAttributes } from "react";
import { useId } from "react";
import { FieldError, Input, Label, Text, TextField } from "react-aria-components";

const box =
  "min-h-11 w-full rounded-xl border border-edge bg-surface px-3.5 text-base text-ink placeholder:text-muted invalid:border-alarm aria-invalid:border-alarm";

type FieldProps = {
  label: string;
  /** The field's path in the request, such as `address.city`; errors come under the same name. */
  name: string;
  value: string;
  onChange: (value: string) => void;
  error?: string;
  hint?: string;
  type?: "text" | "email" | "password" | "tel";
  inputMode?: "numeric" | "decimal";
  autoComplete?: HTMLInputAutoCompleteAttribute;
  placeholder?: string;
  className?: string;
};

/** A labelled line of text with its hint and its error. */
export function Field({ label, hint, error, className = "", placeholder, inputMode, ...props }: FieldProps) {
  return (
    <TextField
      {...props}
      isInvalid={Boolean(error)}
      validationBehavior="aria"
      className={`flex flex-col gap-1.5 ${className}`}
    >
      <Label className="text-sm font-semibold">{label}</Label>
      <Input className={box} placeholder={placeholder} inputMode={inputMode} />
      {hint && !error && (
        <Text slot="description" className="text-sm text-muted">
          {hint}
        </Text>
      )}
      <FieldError className="text-sm font-medium text-alarm">{error}</FieldError>
    </TextField>
  );
}

type SelectProps = Omit<SelectHTMLAttributes<HTMLSelectElement>, "onChange" | "size"> & {
  label: string;
  hideLabel?: boolean;
  error?: string;
  onChange: (value: string) => void;
  children: ReactNode;
};

/** A choice among options: the browser's own, which phones show best. */
export function SelectField({
  label,
  hideLabel,
  error,
  onChange,
  className = "",
  children,
  ...props
}: SelectProps) {
  const id = useId();
  return (
    <div className={`flex flex-col gap-1.5 ${className}`}>
      <label htmlFor={id} className={hideLabel ? "sr-only" : "text-sm font-semibold"}>
        {label}
      </label>
      <select
        {...props}
        id={id}
        aria-invalid={error ? true : undefined}
        aria-describedby={error ? `${id}-error` : undefined}
        onChange={(event) => onChange(event.target.value)}
        className={`${box} cursor-pointer pr-8`}
      >
        {children}
      </select>
      {error && (
        <p id={`${id}-error`} className="text-sm font-medium text-alarm">
          {error}
        </p>
      )}
    </div>
  );
}
