// SPDX-License-Identifier: Apache-2.0
// The customer's page, spec/profiles/ms-dke-pages.md.
'use strict';

const CONFIRM = 1, OPEN = 2, CLOSE = 3;
const WAITS = 3;
const byId = (id) => document.getElementById(id);
const state = {address: null, person: null, credential: null};

class Refused extends Error {}

function tell(text, bad) {
	byId('note').textContent = text;
	byId('note').classList.toggle('bad', bad);
	byId('note').hidden = false;
}

async function post(path, body) {
	let answer;
	try {
		answer = await fetch(path, {method: 'POST', body, cache: 'no-store',
			headers: {'Content-Type': 'application/doublekey'}});
	} catch {
		throw new Refused('unreachable');
	}
	if (answer.ok)
		return new Uint8Array(await answer.arrayBuffer());
	const said = await answer.json().catch(() => ({error: 'unavailable'}));
	throw new Refused(said.error);
}

async function address() {
	const answer = await fetch('address', {cache: 'no-store'}).catch(() => null);
	if (!answer || !answer.ok)
		throw new Refused('unreachable');
	const [bytes, text] = (await answer.text()).trim().split(' ');
	byId('address').textContent = text;
	return unhex(bytes);
}

// Asks an authenticator to sign; null as credential: any that is registered for this host.
async function sign(challenge, credential) {
	const allow = credential ? [{type: 'public-key', id: credential}] : [];
	const made = await navigator.credentials.get({publicKey: {challenge, rpId: location.hostname,
		userVerification: 'required', timeout: 120000, allowCredentials: allow}});
	return {id: new Uint8Array(made.rawId), bytes: join(sized(2, made.response.authenticatorData),
		sized(2, made.response.clientDataJSON), sized(1, made.response.signature))};
}

function fresh() {
	return {time: uint(8, Math.floor(Date.now() / 1000)),
		nonce: crypto.getRandomValues(new Uint8Array(16))};
}

async function list() {
	const {time, nonce} = fresh();
	state.address = await address();
	const made = await sign(
		await sha256(info('ms-dke-list', state.address, time, nonce)), state.credential);
	const answer = await post('ask', join('DKL1', time, nonce, sized(2, made.id), made.bytes));
	state.credential = made.id;
	show(parseList(answer));
}

async function act(what, about) {
	const {time, nonce} = fresh();
	const challenge = await sha256(info('ms-dke-act', uint(1, what), state.address,
		sized(1, state.person), about, time, nonce));
	const made = await sign(challenge, state.credential);
	const rd = new Reader(await post('ask', join('DKG1', uint(1, what), time, nonce, about,
		sized(2, made.id), made.bytes)));
	rd.magic('DKG2');
	rd.take(8);
	return rd.number(8);
}

function time(seconds) {
	return new Date(1000 * seconds).toLocaleString(language);
}

function row(one) {
	const item = document.createElement('li');
	const facts = document.createElement('dl');
	for (const [name, value] of [['document', hex(one.document)], ['key', one.key],
		['time', time(one.time)], ['from', byId('address').textContent]]) {
		const dt = document.createElement('dt'), dd = document.createElement('dd');
		dt.textContent = word(name);
		dd.append(name === 'document' ? document.createElement('code') : '');
		(dd.firstElementChild || dd).textContent = value;
		facts.append(dt, dd);
	}
	if (one.others) {
		const hint = document.createElement('p');
		hint.textContent = word('others');
		item.append(facts, hint);
		return item;
	}
	const button = document.createElement('button');
	button.type = 'button';
	button.textContent = word('confirm');
	button.addEventListener('click', () => run(async () => {
		await act(CONFIRM, one.document);
		item.remove();
		tell(word('confirmed'), false);
	}));
	item.append(facts, button);
	return item;
}

function session(until) {
	const open = until > Date.now() / 1000;
	byId('session-state').textContent = open ? `${word('session-until')} ${time(until)}.` :
		word('session-none');
	byId('open').hidden = open;
	byId('close').hidden = !open;
}

function show(found) {
	state.person = found.person;
	byId('person').textContent = found.person;
	byId('list').replaceChildren(...found.waiting.map(row));
	byId('none').hidden = found.waiting.length > 0;
	byId('waiting').hidden = false;
	byId('session').hidden = false;
	session(found.until);
}

async function register() {
	const found = await parseCode(byId('code').value);
	if (!found)
		throw new Refused('enrol-code');
	const keys = await enrolKeys(found.code);
	const made = await navigator.credentials.create({publicKey: {
		rp: {id: location.hostname, name: 'doublekey'}, challenge: new Uint8Array(32),
		user: {id: (await sha256(encoder.encode(found.person))).slice(0, 16), name: found.person,
			displayName: found.person},
		pubKeyCredParams: [{type: 'public-key', alg: -7}], attestation: 'none', timeout: 120000,
		authenticatorSelection: {residentKey: 'required', requireResidentKey: true,
			userVerification: 'required'}}});
	const id = new Uint8Array(made.rawId);
	const before = join('DKE3', keys.id, sized(1, found.person), sized(1, byId('name').value),
		made.response.getPublicKey(), sized(2, id));
	const signed = await sign(await sha256(info('ms-dke-register', before)), id);
	const all = join(before, signed.bytes);
	const mac = await hmac(keys.client, all);
	const answer = await post('ask', join(all, mac));
	const want = await hmac(keys.server, join(mac, answer.slice(0, -48)));
	if (!same(want, answer.slice(-48)))
		throw new Refused('unverified');
	state.credential = id;
	byId('form').reset();
	if (answer[12] === WAITS)
		tell(`${word('waits')} ${hex(await sha256(made.response.getPublicKey()))}`, false);
	else
		tell(word('registered'), false);
}

// One thing at a time; what went wrong is said where everything is said.
async function run(what) {
	const buttons = document.querySelectorAll('button');
	buttons.forEach((button) => { button.disabled = true; });
	byId('note').hidden = true;
	try {
		await what();
	} catch (error) {
		if (error instanceof Refused)
			tell(word(error.message), true);
		else if (error instanceof DOMException)
			tell(word('cancelled'), true);
		else
			tell(word('unavailable'), true);
	} finally {
		document.querySelectorAll('button').forEach((button) => { button.disabled = false; });
	}
}

document.documentElement.lang = language;
document.querySelectorAll('[data-word]').forEach((element) => {
	element.textContent = word(element.dataset.word);
});
document.title = `${word('title')} – ${location.host}`;
byId('host').textContent = location.host;
byId('show').addEventListener('click', () => run(list));
byId('open').addEventListener('click', () => run(async () => {
	session(await act(OPEN, new Uint8Array(32)));
	tell(word('opened'), false);
}));
byId('close').addEventListener('click', () => run(async () => {
	await act(CLOSE, new Uint8Array(32));
	session(0);
	tell(word('closed'), false);
}));
byId('form').addEventListener('submit', (event) => {
	event.preventDefault();
	run(register);
});
if (!window.PublicKeyCredential)
	tell(word('unsupported'), true);
else
	address().catch(() => tell(word('unreachable'), true));
