import type { Page } from "playwright-core";
import { eventually } from "./cluster.ts";

/** The operator's page, with one method for each action of an operator. */
export class Console {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** Opens the link that `npm start` prints. */
  async enter(url: URL, key: string): Promise<void> {
    await this.page.goto(`${url.href}#key=${key}`);
    await this.page.getByRole("heading", { name: "Shards" }).waitFor();
    await this.live();
  }

  /** Goes to a page by its address, such as `channels/lobby`: this works while the drawer is open too. */
  async open(page: string): Promise<void> {
    const [name = ""] = page.split("/");
    const shown = this.page.locator(`main.page-${name}`);
    if (page === name && (await shown.count()) > 0) return;
    const hash = `#/${page === "overview" ? "" : page}`;
    await this.page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
    await shown.waitFor();
  }

  /** Waits until pulses come in. */
  async live(): Promise<void> {
    await this.page.getByText("live", { exact: true }).waitFor();
  }

  async startClients(count: number, prefix = "sim"): Promise<void> {
    await this.askForClients(count, prefix);
    await this.connected(count);
  }

  async askForClients(count: number, prefix: string): Promise<void> {
    await this.open("overview");
    await this.page.getByLabel("How many, to 200").fill(String(count));
    await this.page.getByLabel("Keys begin with").fill(prefix);
    await this.page.getByRole("button", { name: "Start clients" }).click();
  }

  async connected(count: number, of = count): Promise<void> {
    await eventually(async () => (await this.fleet("Connected")) === `${count} of ${of}`);
  }

  /** A number of the simulated clients, as the page shows it. */
  async fleet(label: string): Promise<string> {
    await this.open("overview");
    const stat = this.page.getByTestId("fleet").locator(".stat", { hasText: label });
    return (await stat.count()) === 0 ? "" : stat.locator("dd").innerText();
  }

  async moves(): Promise<number> {
    return this.counted("Moves");
  }

  async counted(label: string): Promise<number> {
    return Number((await this.fleet(label)).replaceAll(",", ""));
  }

  /** Sends a message, and returns the result that the page shows. */
  async message(way: "Publish" | "Send" | "Broadcast", fields: Record<string, string>): Promise<string> {
    await this.open("channels");
    const panel = this.page.getByRole("region", { name: "Messages" });
    const result = this.page.getByTestId("result");
    const shown = result.getByText(/Reached|offset|not sent|no history/);
    // Another choice clears the last result, so that this method reads the result of its own message.
    await panel.getByRole("radio", { name: way === "Send" ? "Publish" : "Send" }).check();
    await panel.getByRole("radio", { name: way }).check();
    await shown.first().waitFor({ state: "detached" });
    for (const [label, value] of Object.entries(fields)) {
      if (label === "Mode") await panel.getByRole("combobox", { name: label }).selectOption(value);
      else await panel.getByLabel(label, { exact: true }).fill(value);
    }
    await panel.getByRole("button", { name: way, exact: true }).click();
    await shown.waitFor();
    return (await result.innerText()).replaceAll(/\s+/g, " ");
  }

  /** The number of closes of this page's own connection. */
  async ownCloses(): Promise<number> {
    await this.open("changes");
    return this.page.locator(".incident.page").count();
  }

  async openChange(shard: string, act: string): Promise<void> {
    await this.open("overview");
    await this.page.getByRole("button", { name: `Change ${shard}`, exact: true }).click();
    await this.page.getByRole("radio", { name: act, exact: true }).check();
  }

  /** The number of sessions that would move, by the dry run of the open drawer. */
  async predicted(): Promise<number> {
    return Number((await this.page.getByTestId("predicted").innerText()).replaceAll(",", ""));
  }

  /** Confirms the open drawer, and waits until the shards have moved the predicted sessions. */
  async confirm(button: RegExp): Promise<void> {
    await this.page.getByRole("dialog").getByRole("button", { name: button }).click();
    await this.page.getByTestId("progress").getByText("that is all").waitFor({ timeout: 60_000 });
    await this.page.getByRole("button", { name: "Done" }).click();
  }

  shard(id: string) {
    return this.page.locator(`tr[data-shard="${id}"]`);
  }

  /** The sessions of a shard, as its row shows them. */
  async sessionsOn(id: string): Promise<number> {
    await this.open("overview");
    return Number(await this.shard(id).locator(".bar-text").nth(1).innerText());
  }

  /** The shard that holds a simulated client. */
  async shardOf(client: string): Promise<string> {
    await this.open("overview");
    const label = await this.cell(client).getAttribute("aria-label");
    return label?.split(", ")[2] ?? "";
  }

  cell(client: string) {
    return this.page.locator(`.cell[aria-label^="${client},"]`);
  }

  /** The number of pixels by which the page is wider than its window. */
  overflow(): Promise<unknown> {
    return this.page.evaluate("document.documentElement.scrollWidth - innerWidth");
  }
}
