// A real OpenID Connect provider for tests: whoever signs in as "lin" is lin@example.com.
//
//   node provider.mjs <client id> <client secret> <redirect uri>
//
// Listens on a free port of 127.0.0.1 and says its issuer. An address of "stranger" is not verified.

import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const [clientId, clientSecret, redirectUri] = process.argv.slice(2);

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [redirectUri],
        grant_types: ["authorization_code"],
        response_types: ["code"],
      },
    ],
    claims: { openid: ["sub"], email: ["email", "email_verified"] },
    pkce: { required: () => true },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        email: `${id}@example.com`,
        email_verified: id !== "stranger",
      }),
    }),
  });
  server.on("request", provider.callback());
  console.log(`ISSUER ${issuer}`);
});
