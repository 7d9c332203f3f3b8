// SPDX-License-Identifier: Apache-2.0
// RSA-OAEP stanzas and the creator's signature by Node. The protocol is in peer.py.
'use strict';

const crypto = require('node:crypto');
const readline = require('node:readline');

const PREFIX = 'doublekey/1 ';
const ZERO_NONCE = Buffer.alloc(12);

function info(label) {
	const text = Buffer.from(PREFIX + label);
	return Buffer.concat([Buffer.from([text.length]), text]);
}

function oaep(key) {
	return { key, padding: crypto.constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
}

function innerKey(seed, v) {
	return Buffer.from(crypto.hkdfSync('sha384', seed, info('rsa-oaep'), v.info, 32));
}

function aad(encapsulation, v) {
	return crypto.createHash('sha384').update(encapsulation).update(v.recipient).digest();
}

function publicKey(v) {
	return crypto.createPublicKey({ key: v.spki, format: 'der', type: 'spki' });
}

function privateKey(v) {
	return crypto.createPrivateKey({ key: v.key, format: 'der', type: 'pkcs8' });
}

const operations = {
	wrap(v) {
		const seed = crypto.randomBytes(32);
		const encapsulation = crypto.publicEncrypt(oaep(publicKey(v)), seed);
		const cipher = crypto.createCipheriv('aes-256-gcm', innerKey(seed, v), ZERO_NONCE);
		cipher.setAAD(aad(encapsulation, v));
		const text = Buffer.concat([cipher.update(v.share), cipher.final()]);
		return { encapsulation, wrapped: Buffer.concat([text, cipher.getAuthTag()]) };
	},

	unwrap(v) {
		const seed = crypto.privateDecrypt(oaep(privateKey(v)), v.encapsulation);
		const cipher = crypto.createDecipheriv('aes-256-gcm', innerKey(seed, v), ZERO_NONCE);
		cipher.setAAD(aad(v.encapsulation, v));
		cipher.setAuthTag(v.wrapped.subarray(-16));
		const share = Buffer.concat([cipher.update(v.wrapped.subarray(0, -16)), cipher.final()]);
		return { share };
	},

	sign(v) {
		const key = { key: privateKey(v), dsaEncoding: 'ieee-p1363' };
		return { signature: crypto.sign('sha256', v.message, key) };
	},

	verify(v) {
		const key = { key: publicKey(v), dsaEncoding: 'ieee-p1363' };
		if (!crypto.verify('sha256', v.message, key, v.signature))
			throw new Error('signature');
		return {};
	},
};

function answer(line) {
	const [op, ...words] = line.split(' ');
	const values = {};
	for (const word of words) {
		const [name, value] = word.split('=');
		values[name] = name === 'type' ? value : Buffer.from(value, 'hex');
	}
	let made;
	try {
		made = operations[op](values);
	} catch (error) {
		return 'no ' + (error.code || error.message).replace(/\s+/g, '-');
	}
	const said = Object.entries(made).map(([name, value]) => `${name}=${value.toString('hex')}`);
	return ['ok', ...said].join(' ');
}

readline.createInterface({ input: process.stdin })
	.on('line', (line) => process.stdout.write(answer(line) + '\n'));
