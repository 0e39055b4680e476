/**
 * Whether the packages in `node_modules` are those of the lock file. `lock` and `installed` are the parsed
 * `package-lock.json` and `node_modules/.package-lock.json`. The packages of other platforms are optional, and absent.
 */
export const isInstalled = (lock, installed) =>
  Object.entries(lock.packages).every(([path, { version, optional }]) => {
    const present = installed?.packages?.[path];
    return path === "" || (present === undefined ? optional === true : present.version === version);
  });
