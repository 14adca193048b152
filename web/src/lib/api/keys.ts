import type { QueryClient } from "@tanstack/react-query";
import { CatalogService } from "@taproom/sdk/taproom/catalog/v1/catalog_pb";
import { InventoryService } from "@taproom/sdk/taproom/inventory/v1/inventory_pb";

const publicServices: ReadonlySet<string> = new Set([CatalogService.typeName, InventoryService.typeName]);

/** Forgets what belongs to one visitor, when another one takes their place. What everybody may see stays. */
export function forgetVisitor(client: QueryClient): void {
  void client.resetQueries({ predicate: (query) => !isPublic(query.queryKey) });
  client.getMutationCache().clear();
}

/** The catalogue and what goes with it, and the few entries that are no answers of the API. */
function isPublic(key: readonly unknown[]): boolean {
  if (key[0] !== "connect-query") return true;
  const { serviceName } = key[1] as { serviceName: string };
  return publicServices.has(serviceName);
}
