import { useQuery } from "@connectrpc/connect-query";
import { InventoryService } from "@taproom/sdk/taproom/inventory/v1/inventory_pb";

const { batchGetStock } = InventoryService.method;

/** Units that can be ordered, by beer id, in one call for all of them. Undefined while that isn't known. */
export function useStock(beerIds: string[]): Map<string, number> | undefined {
  const { data } = useQuery(
    batchGetStock,
    { beerIds },
    {
      enabled: beerIds.length > 0,
      staleTime: 10_000,
      select: (answer) => new Map(answer.stock.map((stock) => [stock.beerId, stock.available])),
    },
  );
  return data;
}
