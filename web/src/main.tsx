import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "@/app/app";
import { createShop } from "@/app/shop";
import "./styles.css";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");

const shop = createShop();
void shop.session.restore();

createRoot(root).render(
  <StrictMode>
    <App {...shop} />
  </StrictMode>,
);
