declare module "workerd" {
  /** The path of the program. The module is CommonJS, so `default` is a field here. */
  const workerd: { readonly default: string };
  export default workerd;
}
