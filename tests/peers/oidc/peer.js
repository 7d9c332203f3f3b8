// SPDX-License-Identifier: Apache-2.0
// oidc-provider as a tenant's token issuer: below a path with the tenant's id, with the claims
// that tokens for Double Key Encryption have. The protocol is in peer.py.
// usage: peer.js MODULE
'use strict';

const crypto = require('node:crypto');
const https = require('node:https');
const readline = require('node:readline');
const { promisify } = require('node:util');

const SCOPE = 'user_impersonation';
const HOUR = 3600;
const generate = promisify(crypto.generateKeyPair);
const state = { keys: [], alg: 'RS256' };

// It warns of what is fine here: its store in memory.
console.warn = console.info = () => {};

async function signingKey(kid, alg) {
	const { privateKey } = alg === 'ES256' ? await generate('ec', { namedCurve: 'P-256' })
		: await generate('rsa', { modulusLength: 2048 });
	return { ...privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig' };
}

// Whoever is hinted at is logged in: that people know their password is not what is tested.
async function logIn(provider, req, res) {
	const { params } = await provider.interactionDetails(req, res);
	await provider.interactionFinished(req, res, { login: { accountId: params.login_hint } });
}

async function consent(provider, ctx) {
	const grant = new provider.Grant(
		{ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
	grant.addOIDCScope('openid');
	grant.addResourceScope(state.audience, SCOPE);
	await grant.save();
	return grant;
}

function configuration(provider) {
	return {
		jwks: { keys: state.keys },
		clients: [{
			client_id: state.client, redirect_uris: [state.redirect],
			token_endpoint_auth_method: 'none', grant_types: ['authorization_code'],
			response_types: ['code'],
		}],
		cookies: { keys: [crypto.randomBytes(32).toString('hex')] },
		scopes: ['openid'],
		ttl: { AccessToken: HOUR, AuthorizationCode: 60, Grant: HOUR, Interaction: 60,
			Session: HOUR, IdToken: HOUR },
		findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
		loadExistingGrant: (ctx) => consent(provider(), ctx),
		extraTokenClaims: (ctx, token) => ({
			tid: state.tenant, ver: '2.0', azp: token.clientId, scp: token.scope,
			upn: token.accountId,
			oid: crypto.createHash('sha256').update(token.accountId).digest('hex'),
		}),
		interactions: { url: (ctx, interaction) => `/${state.path}/login/${interaction.uid}` },
		features: {
			devInteractions: { enabled: false },
			resourceIndicators: {
				enabled: true,
				getResourceServerInfo: () => ({
					scope: SCOPE, audience: state.audience, accessTokenTTL: HOUR,
					accessTokenFormat: 'jwt', jwt: { sign: { alg: state.alg } },
				}),
			},
		},
	};
}

async function start() {
	const { default: Provider } = await import(process.argv[2]);
	const provider = new Provider(state.issuer, configuration(() => state.provider));
	state.provider = provider;
	state.callback = provider.callback();
}

function handle(req, res) {
	const prefix = `/${state.path}`;
	if (!req.url.startsWith(`${prefix}/`)) {
		res.writeHead(404).end();
	} else if (req.url.startsWith(`${prefix}/login/`)) {
		logIn(state.provider, req, res).catch((error) => res.writeHead(500).end(error.message));
	} else {
		req.originalUrl = req.url;
		req.url = req.url.slice(prefix.length);
		state.callback(req, res);
	}
}

const operations = {
	async serve(v) {
		for (const name of ['tenant', 'audience', 'client', 'redirect'])
			state[name] = v[name].toString();
		state.path = `${state.tenant}/v2.0`;
		state.keys = [await signingKey('first', 'RS256')];
		const server = https.createServer({ key: v.pem, cert: v.pem }, handle);
		await new Promise((done) => server.listen(0, '127.0.0.1', done));
		state.issuer = `https://127.0.0.1:${server.address().port}/${state.path}`;
		await start();
		return { issuer: Buffer.from(state.issuer) };
	},

	// The new one signs from now on; the old ones stay in the set.
	async rotate(v) {
		state.alg = v.alg.toString();
		state.keys.unshift(await signingKey(v.kid.toString(), state.alg));
		await start();
		return {};
	},
};

async function answer(line) {
	const [op, ...words] = line.split(' ');
	const values = Object.fromEntries(words.map((word) => {
		const [name, value] = word.split('=');
		return [name, Buffer.from(value, 'hex')];
	}));
	try {
		const made = Object.entries(await operations[op](values));
		return ['ok', ...made.map(([name, value]) => `${name}=${value.toString('hex')}`)].join(' ');
	} catch (error) {
		return `no ${error.message.replace(/\s+/g, '-')}`;
	}
}

readline.createInterface({ input: process.stdin })
	.on('line', async (line) => process.stdout.write(`${await answer(line)}\n`))
	.on('close', () => process.exit());
