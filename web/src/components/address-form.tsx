import { CreateAddressRequestSchema, type SavedAddress } from "@taproom/sdk/taproom/user/v1/user_pb";
import { type FormEvent, useState } from "react";
import { Button } from "@/components/button";
import { Check } from "@/components/check";
import { Field, SelectField } from "@/components/field";
import { Note } from "@/components/states";
import { useSaveAddress } from "@/lib/api/account";
import { countries } from "@/lib/countries";
import { explain } from "@/lib/errors/messages";
import { useProtoForm } from "@/lib/proto-form";

const empty = { recipient: "", street: "", postalCode: "", city: "", country: "DE", phone: "" };
const hints = {
  "address.recipient": "Who receives the parcel?",
  "address.street": "Enter street and house number.",
  "address.city": "Enter the city.",
  "address.postal_code": "Enter a postal code of 2 to 12 letters or digits.",
  "address.country": "Choose a country.",
  "address.phone": "Enter at most 30 characters.",
};

type AddressFormProps = { address?: SavedAddress; onSaved: (address: SavedAddress | undefined) => void };

/** Adds an address, or changes the one given. */
export function AddressForm({ address, onSaved }: AddressFormProps) {
  const [fields, setFields] = useState(() => ({ ...empty, ...pick(address) }));
  const [isDefault, setDefault] = useState(address?.isDefault ?? false);
  const form = useProtoForm(CreateAddressRequestSchema, hints);
  const { add, update } = useSaveAddress();
  const [trouble, setTrouble] = useState("");
  const set = (name: keyof typeof fields) => (value: string) =>
    setFields((all) => ({ ...all, [name]: value }));
  const text = (name: keyof typeof fields, path: string) => ({
    name: path,
    value: fields[name],
    onChange: set(name),
    error: form.errors[`address.${path}`],
  });

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTrouble("");
    const trimmed = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, value.trim()]));
    const request = form.check({ address: trimmed, isDefault });
    if (!request) return;
    try {
      const answer = address
        ? await update.mutateAsync({ id: address.id, address: request.address, isDefault })
        : await add.mutateAsync(request);
      onSaved(answer.address);
    } catch (error) {
      if (!form.showServerErrors(error)) setTrouble(explain(error));
    }
  };

  return (
    <form onSubmit={(event) => void submit(event)} noValidate className="grid gap-4 sm:grid-cols-6">
      {trouble && (
        <div className="sm:col-span-6">
          <Note tone="bad">{trouble}</Note>
        </div>
      )}
      <Field
        label="Recipient"
        autoComplete="name"
        className="sm:col-span-6"
        {...text("recipient", "recipient")}
      />
      <Field
        label="Street and number"
        autoComplete="street-address"
        className="sm:col-span-6"
        {...text("street", "street")}
      />
      <Field
        label="Postal code"
        autoComplete="postal-code"
        className="sm:col-span-2"
        {...text("postalCode", "postal_code")}
      />
      <Field label="City" autoComplete="address-level2" className="sm:col-span-4" {...text("city", "city")} />
      <SelectField
        label="Country"
        autoComplete="country"
        value={fields.country}
        onChange={set("country")}
        error={form.errors["address.country"]}
        className="sm:col-span-3"
      >
        {countries.map(({ code, name }) => (
          <option key={code} value={code}>
            {name}
          </option>
        ))}
      </SelectField>
      <Field
        label="Phone (optional)"
        type="tel"
        autoComplete="tel"
        className="sm:col-span-3"
        {...text("phone", "phone")}
      />
      <div className="sm:col-span-6">
        <Check isSelected={isDefault} onChange={setDefault} isDisabled={address?.isDefault}>
          Use this address by default
        </Check>
      </div>
      <Button
        type="submit"
        isPending={add.isPending || update.isPending}
        className="sm:col-span-6 sm:justify-self-start"
      >
        Save address
      </Button>
    </form>
  );
}

function pick(saved: SavedAddress | undefined): Partial<typeof empty> {
  if (!saved?.address) return {};
  const { recipient, street, postalCode, city, country, phone } = saved.address;
  return { recipient, street, postalCode, city, country, phone };
}
