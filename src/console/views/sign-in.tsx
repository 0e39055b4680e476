import { useRef } from "preact/hooks";
import { account, signIn } from "../data/account.ts";
import { apiKey } from "../data/api-key.ts";

export function SignIn() {
  const field = useRef<HTMLInputElement>(null);
  const signingIn = account.value.state === "signing in";
  const problem = account.value.state === "signed out" ? account.value.problem : undefined;
  return (
    <main class="sign-in">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const key = field.current?.value ?? "";
          if (key.trim() !== "") void signIn(key);
        }}
      >
        <img src="./favicon.svg" alt="" width="44" height="44" />
        <h1>Ringcast</h1>
        <p>The operator's console of this cluster. Sign in with an API key; the key stays in this tab.</p>
        <label class="field">
          <span>API key</span>
          <input
            ref={field}
            type="password"
            name="key"
            autocomplete="off"
            defaultValue={apiKey.value}
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
        <button type="submit" class="primary" disabled={signingIn}>
          {signingIn ? "Signing in …" : "Sign in"}
        </button>
        <p class="hint">
          The <code>READ_KEY</code> shows everything and permits no changes. On your own machine,{" "}
          <code>npm start</code> prints a link that signs in.
        </p>
      </form>
    </main>
  );
}
