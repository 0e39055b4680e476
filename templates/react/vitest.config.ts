// The tests start the Worker by themselves, so vite.config.ts is not theirs.
export default {};
