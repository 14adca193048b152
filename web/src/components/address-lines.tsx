import type { Address } from "@taproom/sdk/taproom/type/v1/address_pb";
import { countryName } from "@/lib/countries";

/** An address as it stands on a parcel. */
export function AddressLines({ address }: { address: Address }) {
  return (
    <address className="leading-relaxed not-italic">
      <span className="font-semibold">{address.recipient}</span>
      <br />
      {address.street}
      <br />
      {address.postalCode} {address.city}
      <br />
      {countryName(address.country)}
      {address.phone && (
        <>
          <br />
          {address.phone}
        </>
      )}
    </address>
  );
}
