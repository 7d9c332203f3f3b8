// SPDX-License-Identifier: Apache-2.0
// Layouts and keys of spec/profiles/ms-dke-pages.md and spec/key-service.md section 4.
'use strict';

const encoder = new TextEncoder();

function join(...parts) {
	const all = parts.map((part) => typeof part === 'string' ? encoder.encode(part) :
		new Uint8Array(part));
	const out = new Uint8Array(all.reduce((sum, part) => sum + part.length, 0));
	let at = 0;
	for (const part of all) {
		out.set(part, at);
		at += part.length;
	}
	return out;
}

function uint(size, value) {
	const out = new Uint8Array(size);
	for (let i = size - 1, left = value; i >= 0; i--, left = Math.floor(left / 256))
		out[i] = left % 256;
	return out;
}

// With its length of size bytes in front.
function sized(size, part) {
	const bytes = join(part);
	return join(uint(size, bytes.length), bytes);
}

function number(bytes) {
	return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}

function hex(bytes) {
	return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function unhex(text) {
	return Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));
}

function same(a, b) {
	return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function info(label, ...data) {
	return join(sized(1, `doublekey/1 ${label}`), ...data);
}

async function sha256(bytes) {
	return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}

async function hmac(key, bytes) {
	const made = await crypto.subtle.importKey('raw', key, {name: 'HMAC', hash: 'SHA-384'}, false,
		['sign']);
	return new Uint8Array(await crypto.subtle.sign('HMAC', made, bytes));
}

// Person and code, or null.
async function parseCode(text) {
	const [, person, letters] =
		/^\s*([a-z0-9._@-]{1,64}):([a-z2-7-]+)\s*$/i.exec(text) || [];
	const plain = (letters || '').replaceAll('-', '').toUpperCase();
	if (plain.length !== 28)
		return null;
	const bits = Array.from(plain, (letter) =>
		'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('');
	const raw = Uint8Array.from(`${bits}0000`.match(/.{8}/g), (byte) => parseInt(byte, 2));
	const code = raw.slice(0, 16);
	const check = await sha256(info('enrol-check', code));
	if (raw[16] !== check[0] || raw[17] !== (check[1] & 0xf0))
		return null;
	return {person: person.toLowerCase(), code};
}

async function enrolKeys(code) {
	const base = await crypto.subtle.importKey('raw', code, 'HKDF', false, ['deriveBits']);
	const expand = async (label, size) => new Uint8Array(await crypto.subtle.deriveBits(
		{name: 'HKDF', hash: 'SHA-384', salt: info('enrol'), info: info(label)}, base, 8 * size));
	return {
		id: await expand('enrol-id', 16),
		client: await expand('enrol-client', 48),
		server: await expand('enrol-server', 48),
	};
}

class Reader {
	constructor(bytes) {
		this.bytes = bytes;
		this.at = 0;
	}
	take(size) {
		if (this.at + size > this.bytes.length)
			throw new Error('layout');
		this.at += size;
		return this.bytes.slice(this.at - size, this.at);
	}
	number(size) {
		return number(this.take(size));
	}
	text(size) {
		return new TextDecoder('utf-8', {fatal: true}).decode(this.take(size));
	}
	magic(text) {
		if (this.text(4) !== text)
			throw new Error('layout');
	}
}

function parseList(bytes) {
	const rd = new Reader(bytes);
	rd.magic('DKL2');
	const found = {person: rd.text(rd.number(1)), until: rd.number(8), waiting: []};
	for (let left = rd.number(1); left > 0; left--)
		found.waiting.push({document: rd.take(32), time: rd.number(8), others: rd.number(1) === 2,
			key: rd.text(rd.number(1))});
	return found;
}
