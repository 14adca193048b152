import { Link } from "@tanstack/react-router";
import type { Beer } from "@taproom/sdk/taproom/catalog/v1/catalog_pb";
import { BeerPicture } from "@/components/beer-picture";
import { BeerFacts } from "./beer-facts";
import { BuyBox } from "./buy-box";

/** A beer in full. */
export function BeerDetails({ beer }: { beer: Beer }) {
  const { brewery, style } = beer;
  return (
    <>
      <div className="grid items-start gap-8 md:grid-cols-2 lg:gap-14">
        <BeerPicture path={beer.picturePath} eager className="rounded-3xl md:sticky md:top-24" />
        <div>
          <p className="font-medium text-muted">{brewery?.name}</p>
          <h1 className="mt-1 text-4xl leading-tight font-extrabold sm:text-5xl">{beer.name}</h1>
          {beer.tags.length > 0 && (
            <ul aria-label="Tags" className="mt-4 flex flex-wrap gap-2">
              {beer.tags.map((tag) => (
                <li key={tag}>
                  <Link
                    to="/"
                    search={{ tag: [tag] }}
                    className="inline-block rounded-full bg-hop-soft px-3 py-1 text-sm font-medium text-hop hover:underline"
                  >
                    {tag}
                  </Link>
                </li>
              ))}
            </ul>
          )}
          <p className="mt-5 text-lg leading-relaxed">{beer.description}</p>
          <BuyBox beer={beer} />
          <BeerFacts beer={beer} />
        </div>
      </div>
      <div className="mt-14 grid gap-5 md:grid-cols-2">
        {style && (
          <section className="card p-6">
            <p className="text-sm font-semibold tracking-wide text-muted">The style</p>
            <h2 className="mt-1 text-2xl font-bold">{style.name}</h2>
            <p className="mt-3 leading-relaxed text-muted">{style.description}</p>
            <Link to="/" search={{ style: [style.id] }} className="link mt-4 inline-block">
              All beers of this style
            </Link>
          </section>
        )}
        {brewery && (
          <section className="card p-6">
            <p className="text-sm font-semibold tracking-wide text-muted">
              The brewery · {brewery.city}
              {brewery.founded > 0 && `, since ${brewery.founded}`}
            </p>
            <h2 className="mt-1 text-2xl font-bold">{brewery.name}</h2>
            <p className="mt-3 leading-relaxed text-muted">{brewery.description}</p>
            <Link to="/" search={{ brewery: [brewery.id] }} className="link mt-4 inline-block">
              All beers of this brewery
            </Link>
          </section>
        )}
      </div>
    </>
  );
}
