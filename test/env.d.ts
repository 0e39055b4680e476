/** The Workers of the tests have the bindings of a cluster under their usual names. */
declare namespace Cloudflare {
  interface Env extends RingcastEnv {}
}
