import type { SavedAddress } from "@taproom/sdk/taproom/user/v1/user_pb";
import { MapPin, Plus } from "lucide-react";
import { useState } from "react";
import { AddressForm } from "@/components/address-form";
import { AddressLines } from "@/components/address-lines";
import { Button } from "@/components/button";
import { Dialog } from "@/components/dialog";
import { PanelHeading } from "@/components/panel-heading";
import { Empty, LoadError, Loading, Skeleton } from "@/components/states";
import { toast } from "@/components/toast";
import { useAddresses, useDeleteAddress } from "@/lib/api/account";
import { explain } from "@/lib/errors/messages";

export function AddressesPage() {
  const { data, isPending, error, refetch } = useAddresses();
  const [edited, setEdited] = useState<SavedAddress | "new">();
  const [doomed, setDoomed] = useState<SavedAddress>();
  const close = () => setEdited(undefined);

  return (
    <>
      <PanelHeading title="Addresses">
        <Button size="small" onPress={() => setEdited("new")}>
          <Plus aria-hidden className="size-4" />
          Add address
        </Button>
      </PanelHeading>
      {isPending && (
        <Loading label="Loading addresses">
          <Skeleton className="h-40" />
        </Loading>
      )}
      {error && !data && <LoadError error={error} onRetry={() => void refetch()} />}
      {data?.addresses.length === 0 && (
        <Empty title="No address yet" icon={<MapPin className="size-7" />}>
          <p className="text-muted">Save one and the next order takes a minute less.</p>
        </Empty>
      )}
      <ul className="grid gap-4 sm:grid-cols-2">
        {data?.addresses.map((saved) => (
          <li key={saved.id} className="card flex flex-col justify-between gap-4 p-5">
            <div>
              {saved.isDefault && (
                <p className="mb-2 inline-block rounded-full bg-hop-soft px-2.5 py-0.5 text-sm font-semibold text-hop">
                  Default
                </p>
              )}
              {saved.address && <AddressLines address={saved.address} />}
            </div>
            <div className="flex gap-2">
              <Button
                variant="secondary"
                size="small"
                aria-label={`Edit address of ${saved.address?.recipient}`}
                onPress={() => setEdited(saved)}
              >
                Edit
              </Button>
              <Button
                variant="quiet"
                size="small"
                aria-label={`Delete address of ${saved.address?.recipient}`}
                onPress={() => setDoomed(saved)}
              >
                Delete
              </Button>
            </div>
          </li>
        ))}
      </ul>
      <Dialog
        title={edited === "new" ? "New address" : "Edit address"}
        isOpen={edited !== undefined}
        onClose={close}
      >
        <AddressForm address={edited === "new" ? undefined : edited} onSaved={close} />
      </Dialog>
      <DeleteAddress address={doomed} onClose={() => setDoomed(undefined)} />
    </>
  );
}

function DeleteAddress({ address, onClose }: { address: SavedAddress | undefined; onClose: () => void }) {
  const remove = useDeleteAddress();
  const confirm = () =>
    remove.mutate(
      { id: address?.id ?? "" },
      { onError: (error) => toast({ title: explain(error), tone: "bad" }), onSettled: onClose },
    );
  return (
    <Dialog alert title="Delete this address?" isOpen={address !== undefined} onClose={onClose}>
      {address?.address && <AddressLines address={address.address} />}
      <div className="mt-6 flex gap-3">
        <Button variant="danger" onPress={confirm} isPending={remove.isPending}>
          Delete
        </Button>
        <Button variant="quiet" onPress={onClose}>
          Keep it
        </Button>
      </div>
    </Dialog>
  );
}
