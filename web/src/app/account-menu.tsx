import { useNavigate } from "@tanstack/react-router";
import { LogOut, MapPin, Package, User, Wallet } from "lucide-react";
import { Menu, MenuItem, MenuTrigger, Popover, Separator } from "react-aria-components";
import { IconButton } from "@/components/button";
import { toast } from "@/components/toast";
import { explain } from "@/lib/errors/messages";
import { useSession } from "@/lib/session/use-session";

const places = [
  { to: "/orders", label: "Your orders", icon: Package },
  { to: "/account", label: "Your account", icon: User },
  { to: "/account/addresses", label: "Addresses", icon: MapPin },
  { to: "/account/wallet", label: "Wallet", icon: Wallet },
] as const;

const item =
  "flex cursor-pointer items-center gap-3 rounded-xl px-3 py-2.5 outline-none focus:bg-sunken [&>svg]:size-5 [&>svg]:text-muted";

/** The places of a customer, and the way out. */
export function AccountMenu() {
  const session = useSession();
  const navigate = useNavigate();

  const signOut = async () => {
    try {
      await session.logout();
      await navigate({ to: "/" });
      toast({ title: "You are signed out." });
    } catch (error) {
      toast({ title: explain(error), tone: "bad" });
    }
  };

  return (
    <MenuTrigger>
      <IconButton label="Account">
        <User aria-hidden className="size-5" />
      </IconButton>
      <Popover placement="bottom end" className="card w-60 p-2 shadow-pop">
        <Menu className="outline-none" aria-label="Account">
          {places.map(({ to, label, icon: Icon }) => (
            <MenuItem key={to} id={to} className={item} onAction={() => void navigate({ to })}>
              <Icon aria-hidden />
              {label}
            </MenuItem>
          ))}
          <Separator className="my-2 border-t border-line" />
          <MenuItem id="sign-out" className={item} onAction={() => void signOut()}>
            <LogOut aria-hidden />
            Sign out
          </MenuItem>
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
