import { Code } from "@connectrpc/connect";
import { useQuery } from "@connectrpc/connect-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { CatalogService } from "@taproom/sdk/taproom/catalog/v1/catalog_pb";
import { ChevronLeft } from "lucide-react";
import { NotFound } from "@/components/not-found";
import { usePageTitle } from "@/components/page";
import { LoadError, Loading, Skeleton } from "@/components/states";
import { BeerDetails } from "./beer-details";

const route = getRouteApi("/beers/$slug");

export function BeerPage() {
  const { slug } = route.useParams();
  const query = useQuery(CatalogService.method.getBeer, { key: { case: "slug", value: slug } });
  const beer = query.data?.beer;
  usePageTitle(beer?.name ?? "");
  if (query.error?.code === Code.NotFound) return <NotFound />;

  return (
    <div className="page py-6 sm:py-8">
      <Link to="/" className="mb-5 inline-flex items-center gap-1 py-2 font-medium text-muted hover:text-ink">
        <ChevronLeft aria-hidden className="size-4" />
        All beers
      </Link>
      {query.isPending && <BeerSkeleton />}
      {query.isError && !beer && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {beer && <BeerDetails key={beer.id} beer={beer} />}
    </div>
  );
}

function BeerSkeleton() {
  return (
    <Loading label="Loading the beer">
      <div className="grid gap-8 md:grid-cols-2 lg:gap-14">
        <Skeleton className="aspect-[10/13] rounded-3xl" />
        <div className="space-y-4">
          <Skeleton className="h-5 w-40" />
          <Skeleton className="h-12 w-4/5" />
          <Skeleton className="h-28" />
          <Skeleton className="h-40" />
        </div>
      </div>
    </Loading>
  );
}
