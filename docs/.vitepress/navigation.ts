type Entry = { readonly text: string; readonly link: string };
type Section = { text: string; collapsed?: boolean; items: Entry[] };

const items = (pages: Readonly<Record<string, string>>): Entry[] =>
  Object.entries(pages).map(([link, text]) => ({ link, text }));

export const nav: (Entry & { readonly activeMatch?: string })[] = [
  { text: "Start", link: "/start" },
  { text: "Guides", link: "/guides/server-api", activeMatch: "^/(guides|from-)" },
  { text: "Operating", link: "/operations", activeMatch: "^/(operat|command-line)" },
  { text: "Reference", link: "/reference/settings", activeMatch: "^/reference/" },
];

export const sidebar: Section[] = [
  {
    text: "Start",
    items: items({
      "/": "Ringcast",
      "/start": "Start in five minutes",
      "/concepts": "Concepts",
      "/faq": "Questions",
      "/comparison": "Comparison",
      "/limits": "Limits",
    }),
  },
  {
    text: "Guides",
    items: items({
      "/guides/templates": "Begin with a template",
      "/guides/deploy": "Deploy",
      "/guides/configure": "Configure",
      "/guides/server-api": "Publish from a back end",
      "/from-your-worker": "From your Worker",
      "/guides/auth": "Auth with your provider",
      "/guides/presence": "Presence",
      "/guides/history": "History and resume",
      "/guides/direct-messages": "Messages for one user",
      "/guides/hooks": "Hooks",
      "/guides/webhooks": "Webhooks",
      "/guides/queues": "Queues",
      "/guides/from-centrifugo": "From Centrifugo",
      "/guides/from-partyserver": "From PartyServer",
      "/guides/from-pusher": "From Pusher",
      "/from-socket-io": "From Socket.IO",
    }),
  },
  {
    text: "Operating",
    items: items({
      "/operations": "Operating",
      "/operate/upgrades": "Upgrades",
      "/operate/secrets": "Secrets",
      "/operate/watch": "Watch",
      "/operate/console": "The console",
      "/command-line": "The command line",
      "/operate/ring": "Change the ring",
      "/operate/scaling": "Scaling",
      "/operate/capacity": "Capacity",
      "/operate/regions": "Regions",
      "/operate/cost": "Cost",
      "/operate/incidents": "Incidents",
    }),
  },
  {
    text: "Reference",
    items: items({
      "/reference/settings": "Settings",
      "/reference/codes": "Codes",
      "/reference/server-api": "Server API",
      "/reference/operators-api": "Operator's API",
      "/reference/socketio-api": "HTTP API for Socket.IO",
      "/reference/hooks": "Hooks",
      "/reference/command-line": "Command line: all options",
    }),
  },
  {
    text: "Background",
    collapsed: true,
    items: items({
      "/architecture": "Architecture",
      "/evidence": "Measured and broken",
      "/repository/benchmarks": "Benchmarks",
      "/fault-report": "Fault report",
      "/repository/laws": "Laws",
      "/platform": "Facts: the platform",
      "/protocol": "Facts: the protocol",
      "/repository/contributing": "Contributing",
      "/repository/security": "Security",
      "/repository/changelog": "Changelog",
    }),
  },
];
