import { AxeBuilder } from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

/** What people do in the shop, in the words of its pages. */
export class Shop {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** No page may keep anybody out, nor be wider than its screen. */
  async checkAccess(): Promise<void> {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
    const { violations } = await new AxeBuilder({ page: this.page }).withTags(tags).analyze();
    const found = violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`,
    );
    expect(found, `accessibility of ${this.page.url()}`).toEqual([]);
    const overflow = await this.page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow, `${this.page.url()} is wider than the screen`).toBeLessThanOrEqual(0);
  }

  /** Chooses a filter by its label; on phones the filters open first. */
  async chooseFilter(name: RegExp): Promise<void> {
    const opener = this.page.getByRole("button", { name: "Filters", exact: true });
    const phone = await opener.isVisible();
    if (phone) await opener.click();
    const scope = phone
      ? this.page.getByRole("dialog")
      : this.page.getByRole("complementary", { name: "Filters" });
    // The box itself is drawn by the label's parts: the label is what people press.
    await scope.locator("label").filter({ hasText: name }).first().click();
    await expect(scope.getByRole("checkbox", { name }).first()).toBeChecked();
    if (phone) {
      await this.checkAccess();
      await this.page.keyboard.press("Escape");
    }
  }

  /** Adds the first beer of the page that can be bought; gives its name. */
  async addFirstBeer(): Promise<string> {
    const add = this.page.getByRole("button", { name: /^Add .+ to cart$/ }).first();
    const label = (await add.getAttribute("aria-label")) ?? "";
    await add.click();
    await expect(this.page.getByText("is in your cart").first()).toBeVisible();
    return label.replace(/^Add (.+) to cart$/, "$1");
  }

  async openCart(): Promise<void> {
    await this.page.getByRole("link", { name: /^Cart/ }).click();
    await expect(this.page.getByRole("heading", { name: "Your cart" })).toBeVisible();
  }

  /** Opens an account of its own for this test. */
  async register(): Promise<void> {
    await expect(this.page.getByRole("heading", { name: "Sign in" })).toBeVisible();
    await this.page.getByRole("link", { name: "Open an account" }).click();
    await this.page.getByLabel("Your name").fill("Anna Braun");
    const unique = `${Date.now()}-${Math.random().toString(36).slice(2, 8)}`;
    await this.page.getByLabel("E-mail address").fill(`anna-${unique}@example.org`);
    await this.page.getByLabel("Password").fill("a sentence is a good password");
    await this.checkAccess();
    await this.page.getByRole("button", { name: "Open account" }).click();
  }

  async fillAddress(): Promise<void> {
    await this.page.getByLabel("Recipient").fill("Anna Braun");
    await this.page.getByLabel("Street and number").fill("Hauptstraße 1");
    await this.page.getByLabel("Postal code").fill("10115");
    await this.page.getByLabel("City").fill("Berlin");
    await this.page.getByRole("button", { name: "Save address" }).click();
    await expect(this.page.getByRole("radio", { name: /Anna Braun/ })).toBeChecked();
  }

  async fillCard(number: string): Promise<void> {
    const dialog = this.page.getByRole("dialog");
    await dialog.getByLabel("Card number").fill(number);
    await dialog.getByLabel("Valid until").fill("12/34");
    await dialog.getByLabel("Security code").fill("123");
    await dialog.getByRole("button", { name: "Save card" }).click();
  }

  /** Presses the button, and waits for the order's own page. */
  async placeOrder(): Promise<void> {
    await this.page.getByRole("button", { name: /^Order and pay €/ }).click();
    await expect(this.page.getByRole("heading", { name: "Your order" })).toBeVisible();
    await expect(this.page).toHaveURL(/\/orders\/[0-9a-f-]{36}$/);
  }

  /** Watches the order arrive. The page must not have been loaded again on the way. */
  async watchDelivery(): Promise<void> {
    await this.page.evaluate(() => {
      (window as unknown as { untouched: boolean }).untouched = true;
    });
    const state = this.page.getByTestId("order-state");
    await expect(state).toHaveAttribute("data-state", "DELIVERED", { timeout: 120_000 });
    expect(await this.page.evaluate(() => (window as unknown as { untouched?: boolean }).untouched)).toBe(
      true,
    );
    const steps = this.page.getByTestId("timeline").getByRole("listitem");
    expect(await steps.count()).toBeGreaterThanOrEqual(5);
  }
}
