/**
 * An address of the cluster, by the address of this page and the path from the cluster's base. The page stands at that
 * base, or beside other pages in a folder `console` of it (SPEC PK7).
 */
export function clusterUrl(page: string, path: string): URL {
  const folder = new URL(".", page);
  return new URL(path, folder.pathname.endsWith("/console/") ? new URL("..", folder) : folder);
}
