/** Where the sources of a package are, as its manifest says it. */

/** @returns undefined outside of a workflow */
export function repository() {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name } = process.env;
  return name ? { type: 'git', url: `git+${server}/${name}.git` } : undefined;
}
