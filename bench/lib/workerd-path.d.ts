declare module "workerd" {
  /** CommonJS, so that its `default` is a field here: where the program is. */
  const workerd: { readonly default: string };
  export default workerd;
}
