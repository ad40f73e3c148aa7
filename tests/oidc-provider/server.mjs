// A real OpenID provider on a free port of this machine, for the tests of signing in elsewhere.
//
// It says where it is in one line of JSON and ends when its standard input does. Anybody may sign in, with any
// password; who they are then is what the test told it (`PUT /control/people/<login>`).
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import Provider from 'oidc-provider';

const people = new Map();
const options = { claimsInToken: false };
let key = newKey();
let answer;

const server = createServer(async (request, response) => {
  if (!request.url.startsWith('/control/')) {
    answer(request, response);
    return;
  }
  const body = JSON.parse(await text(request));
  const [, , what, login] = request.url.split('/');
  if (what === 'people') {
    people.set(login, body);
  } else {
    Object.assign(options, body);
    if (body.newKey) key = newKey();
    restart();
  }
  response.end('{}');
});

server.listen(0, '127.0.0.1', () => {
  restart();
  console.log(JSON.stringify({ issuer: issuer() }));
});
process.stdin.on('end', () => process.exit()).resume();

function issuer() {
  return `http://127.0.0.1:${server.address().port}`;
}

function newKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' };
}

// What was stored stays: the library's memory belongs to the process.
function restart() {
  const provider = new Provider(issuer(), {
    clients: [
      {
        client_id: 'msgflash',
        client_secret: 'known-to-the-tests-alone',
        // A native client may come back to any port of this machine.
        application_type: 'native',
        redirect_uris: ['http://127.0.0.1/api/auth/google/callback'],
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'picture'] },
    // Google puts them into the ID token; others tell them only when they are asked.
    conformIdTokenClaims: !options.claimsInToken,
    cookies: { keys: ['known-to-the-tests-alone'] },
    features: { devInteractions: { enabled: true } },
    findAccount: (_, login) => ({
      accountId: login,
      claims: () => ({ sub: login, ...people.get(login) }),
    }),
    jwks: { keys: [key] },
    pkce: { required: () => true },
  });
  answer = provider.callback();
}
