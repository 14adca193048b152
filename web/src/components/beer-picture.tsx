import { Beer as BeerIcon } from "lucide-react";
import { useState } from "react";

/** A beer's picture, or a plain sign when there is none. It decorates: the name stands beside it. */
export function BeerPicture({
  path,
  className = "",
  eager,
}: {
  path: string;
  className?: string;
  eager?: boolean;
}) {
  const [broken, setBroken] = useState("");
  const frame = `aspect-[10/13] w-full overflow-hidden bg-sunken ${className}`;
  if (!path || broken === path) {
    return (
      <span aria-hidden className={`flex items-center justify-center text-edge ${frame}`}>
        <BeerIcon className="size-1/3" strokeWidth={1.25} />
      </span>
    );
  }
  return (
    <img
      src={path}
      alt=""
      width={400}
      height={520}
      loading={eager ? "eager" : "lazy"}
      decoding="async"
      onError={() => setBroken(path)}
      className={`object-cover ${frame}`}
    />
  );
}
