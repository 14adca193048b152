import { createConnectQueryKey, useMutation, useQuery } from "@connectrpc/connect-query";
import { useQueryClient } from "@tanstack/react-query";
import { PaymentService } from "@taproom/sdk/taproom/payment/v1/payment_pb";
import { UserService } from "@taproom/sdk/taproom/user/v1/user_pb";

const { listAddresses, createAddress, updateAddress, deleteAddress } = UserService.method;
const { listCards, saveCard, deleteCard, getWallet, listTransactions, topUpWallet } = PaymentService.method;

/** The saved addresses, the default one first. */
export const useAddresses = () => useQuery(listAddresses, {});

/** The saved cards, newest first. */
export const useCards = () => useQuery(listCards, {});

/** The wallet. It changes without us, so it is asked for again when a page needs it. */
export const useWallet = () => useQuery(getWallet, {}, { staleTime: 5_000 });

/** Fetches again what a change has made out of date, before the change counts as done. */
function useRefetch(...methods: Parameters<typeof keyOf>[0][]) {
  const client = useQueryClient();
  return () => Promise.all(methods.map((method) => client.invalidateQueries({ queryKey: keyOf(method) })));
}

const keyOf = (
  schema: typeof listAddresses | typeof listCards | typeof getWallet | typeof listTransactions,
) => createConnectQueryKey({ schema: schema as typeof listAddresses, cardinality: undefined });

export function useSaveAddress() {
  const onSuccess = useRefetch(listAddresses);
  const add = useMutation(createAddress, { onSuccess });
  const update = useMutation(updateAddress, { onSuccess });
  return { add, update };
}

export function useDeleteAddress() {
  return useMutation(deleteAddress, { onSuccess: useRefetch(listAddresses) });
}

export function useSaveCard() {
  return useMutation(saveCard, { onSuccess: useRefetch(listCards) });
}

export function useDeleteCard() {
  return useMutation(deleteCard, { onSuccess: useRefetch(listCards) });
}

export function useTopUp() {
  return useMutation(topUpWallet, { onSuccess: useRefetch(getWallet, listTransactions) });
}
