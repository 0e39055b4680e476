import { useRef } from "preact/hooks";
import { account, signIn } from "../data/account.ts";

export function SignIn() {
  const field = useRef<HTMLInputElement>(null);
  const { value } = account;
  const entering = value.state === "entering";
  const problem = value.state === "out" ? value.problem : undefined;
  return (
    <main class="sign-in">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const given = field.current?.value ?? "";
          if (given.trim() !== "") void signIn(given);
        }}
      >
        <img src="./favicon.svg" alt="" width="44" height="44" />
        <h1>Ringcast</h1>
        <p>The operator's console of this cluster. It opens to an API key, which stays in this tab.</p>
        <label class="field">
          <span>API key</span>
          <input
            ref={field}
            type="password"
            name="key"
            autocomplete="off"
            spellcheck={false}
            required
            aria-invalid={problem !== undefined}
            aria-describedby={problem === undefined ? undefined : "refused"}
          />
        </label>
        {problem !== undefined && (
          <p id="refused" class="notice bad" role="alert">
            {problem}
          </p>
        )}
        <button type="submit" class="primary" disabled={entering}>
          {entering ? "Signing in …" : "Sign in"}
        </button>
        <p class="hint">
          With the <code>READ_KEY</code> you may look, and change nothing. On your own machine{" "}
          <code>npm start</code> prints a link that signs in.
        </p>
      </form>
    </main>
  );
}
