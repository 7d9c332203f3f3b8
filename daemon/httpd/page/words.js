// SPDX-License-Identifier: Apache-2.0
'use strict';

const WORDS = {
	en: {
		title: 'Open a protected document',
		lead: 'Your organisation holds the second key. Confirm here that it is you who is opening ' +
			'a document now, then open it again.',
		show: 'Show what is waiting',
		address: 'You come from the address',
		waiting: 'Waiting for',
		none: 'Nothing is waiting from this address. Try to open the document first, then look here ' +
			'again within ten minutes.',
		document: 'Document',
		key: 'Key',
		time: 'Asked at',
		from: 'From address',
		confirm: 'Confirm',
		others: 'This waits until others approve it. Nothing is left for you to do but to open the ' +
			'document again later.',
		confirmed: 'Confirmed. Open the document again within two minutes.',
		session: 'Session',
		'session-none': 'No session is open.',
		'session-until': 'A session is open for this address until',
		'session-hint': 'Where your organisation allows it, an open session replaces single ' +
			'confirmations from this address.',
		open: 'Open a session',
		close: 'Close the session',
		opened: 'The session is open.',
		closed: 'The session is closed.',
		register: 'Register this device or security key',
		code: 'Code',
		'code-hint': 'You get it from whoever administrates your key service. It is valid for ' +
			'15 minutes.',
		name: 'Name of this device or security key',
		add: 'Register',
		registered: 'Registered. You can confirm documents with it from now on.',
		waits: 'Registered. You can confirm documents with it as soon as whoever gave you the code ' +
			'has accepted it. Tell them its key id, not over this page:',
		unsupported: 'This browser cannot ask a security key. Try another one.',
		cancelled: 'Nothing was signed.',
		unreachable: 'The key service did not answer. Try again in a moment.',
		unverified: 'The answer is not that of the service which made the code. Tell whoever gave it ' +
			'to you, and use it no more.',
		'enrol-code': 'This code is wrong, was used, or is too old. If you did not use it, tell whoever ' +
			'gave it to you at once: somebody else did. Ask for another one.',
		'device-exists': 'This is registered already.',
		'unknown-device': 'This device or security key is not registered here.',
		'device-revoked': 'This device or security key was revoked.',
		'approval-required': 'This device or security key was not accepted yet. Ask whoever ' +
			'administrates the key service.',
		signature: 'The signature does not fit. Load the page again: your address may have changed.',
		clock: 'The clock of this device is off by minutes. Set it, then try again.',
		replay: 'That was sent before. Try again.',
		frozen: 'All access is frozen at the moment. Ask whoever administrates the key service.',
		busy: 'The key service is busy. Try again in a moment.',
		unavailable: 'The key service is not available. Try again in a moment.',
		policy: 'Refused.',
		other: 'That did not work:',
	},
	de: {
		title: 'Geschütztes Dokument öffnen',
		lead: 'Ihre Organisation hält den zweiten Schlüssel. Bestätigen Sie hier, dass Sie selbst ' +
			'gerade ein Dokument öffnen, und öffnen Sie es dann noch einmal.',
		show: 'Zeigen, was wartet',
		address: 'Sie kommen von der Adresse',
		waiting: 'Wartet auf',
		none: 'Von dieser Adresse wartet nichts. Versuchen Sie zuerst, das Dokument zu öffnen, und ' +
			'sehen Sie dann innerhalb von zehn Minuten wieder hier nach.',
		document: 'Dokument',
		key: 'Schlüssel',
		time: 'Angefragt um',
		from: 'Von Adresse',
		confirm: 'Bestätigen',
		others: 'Das wartet auf die Genehmigung anderer. Sie müssen nichts weiter tun, als das ' +
			'Dokument später noch einmal zu öffnen.',
		confirmed: 'Bestätigt. Öffnen Sie das Dokument innerhalb von zwei Minuten noch einmal.',
		session: 'Sitzung',
		'session-none': 'Es ist keine Sitzung offen.',
		'session-until': 'Für diese Adresse ist eine Sitzung offen bis',
		'session-hint': 'Wo Ihre Organisation es erlaubt, ersetzt eine offene Sitzung einzelne ' +
			'Bestätigungen von dieser Adresse.',
		open: 'Sitzung öffnen',
		close: 'Sitzung schließen',
		opened: 'Die Sitzung ist offen.',
		closed: 'Die Sitzung ist geschlossen.',
		register: 'Dieses Gerät oder einen Sicherheitsschlüssel anmelden',
		code: 'Code',
		'code-hint': 'Sie bekommen ihn von der Administration Ihres Schlüsseldienstes. Er gilt ' +
			'15 Minuten.',
		name: 'Name dieses Geräts oder Sicherheitsschlüssels',
		add: 'Anmelden',
		registered: 'Angemeldet. Ab jetzt können Sie damit Dokumente bestätigen.',
		waits: 'Angemeldet. Sie können damit Dokumente bestätigen, sobald die Administration, von der ' +
			'Sie den Code haben, es angenommen hat. Nennen Sie ihr die Kennung, nicht über diese Seite:',
		unsupported: 'Dieser Browser kann keinen Sicherheitsschlüssel fragen. Nehmen Sie einen anderen.',
		cancelled: 'Es wurde nichts unterschrieben.',
		unreachable: 'Der Schlüsseldienst hat nicht geantwortet. Versuchen Sie es gleich noch einmal.',
		unverified: 'Die Antwort kommt nicht von dem Dienst, der den Code gemacht hat. Sagen Sie dem ' +
			'Bescheid, der ihn Ihnen gegeben hat, und benutzen Sie ihn nicht mehr.',
		'enrol-code': 'Dieser Code ist falsch, verbraucht oder zu alt. Wenn Sie ihn nicht benutzt haben, ' +
			'sagen Sie sofort dem Bescheid, der ihn Ihnen gegeben hat: Dann war es jemand anderes. ' +
			'Lassen Sie sich einen neuen geben.',
		'device-exists': 'Das ist schon angemeldet.',
		'unknown-device': 'Dieses Gerät oder dieser Sicherheitsschlüssel ist hier nicht angemeldet.',
		'device-revoked': 'Dieses Gerät oder dieser Sicherheitsschlüssel wurde gesperrt.',
		'approval-required': 'Dieses Gerät oder dieser Sicherheitsschlüssel wurde noch nicht angenommen. ' +
			'Fragen Sie die Administration des Schlüsseldienstes.',
		signature: 'Die Unterschrift passt nicht. Laden Sie die Seite neu: Ihre Adresse kann sich ' +
			'geändert haben.',
		clock: 'Die Uhr dieses Geräts geht um Minuten falsch. Stellen Sie sie und versuchen Sie es ' +
			'noch einmal.',
		replay: 'Das wurde schon gesendet. Versuchen Sie es noch einmal.',
		frozen: 'Zurzeit ist jeder Zugriff gesperrt. Fragen Sie die Administration des ' +
			'Schlüsseldienstes.',
		busy: 'Der Schlüsseldienst ist ausgelastet. Versuchen Sie es gleich noch einmal.',
		unavailable: 'Der Schlüsseldienst ist nicht verfügbar. Versuchen Sie es gleich noch einmal.',
		policy: 'Abgelehnt.',
		other: 'Das ging nicht:',
	},
};

const language = navigator.languages.map((one) => one.slice(0, 2)).find((one) => one in WORDS) ||
	'en';

function word(name) {
	return WORDS[language][name] || `${WORDS[language].other} ${name}`;
}
