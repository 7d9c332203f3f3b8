/* SPDX-License-Identifier: Apache-2.0 */
/* Method, assumptions, limits, and how to make the result again. */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "doublekey/doublekey.h"
#include "cli/report/impl.h"

#define SCANS_SHOWN 24
#define POLICIES_SHOWN 64

/* ---- method ---- */

void
report_method(struct report *r)
{
	put(r,
	    pick(r,
		"<section id=\"method\"><h2>Method</h2>\n<p>Each object is encrypted so that two "
		"shares are needed to read it: the customer share, which the customer’s key "
		"service hands out and records, and the provider share. The whole log is verified "
		"first; if it does not hold, there is no result. Then these rules are applied "
		"until nothing new follows:</p>\n<ol>\n<li value=\"0\">The provider share of every "
		"object counts as known.\n<li>A stolen key opens each share that was ever wrapped "
		"to it, in every copy that the thief could have.\n<li>A share that was released in "
		"the window counts as known if every factor of that request could have been forged "
		"with what was stolen.\n<li>A share that was released to a stolen device, or where "
		"the thief could read along, counts as known.\n<li>Stolen keys, devices, "
		"administrators and processes give the thief what they could do: with the PIN of "
		"the HSM or the process that holds keys, for instance, all keys of the "
		"service.\n<li>With both shares and a copy, the object is possibly "
		"readable.\n</ol>\n<p>An object without such a derivation is called not readable "
		"only if the evidence is complete: the log covers the window without a gap, each "
		"record is there, and object and keys are accounted for. Else it is unknown. "
		"Missing evidence can thus never make a good answer. The rules are normative in "
		"spec/exposure.md; a second implementation and worked examples accompany "
		"them.</p>\n</section>\n",
		"<section id=\"method\"><h2>Verfahren</h2>\n<p>Jedes Objekt ist so verschlüsselt, "
		"dass zum Lesen zwei Anteile nötig sind: der Kundenanteil, den der Schlüsseldienst "
		"des Kunden herausgibt und protokolliert, und der Anbieteranteil. Zuerst wird das "
		"gesamte Protokoll geprüft; hält es der Prüfung nicht stand, gibt es kein "
		"Ergebnis. Danach werden diese Regeln angewandt, bis nichts Neues mehr "
		"folgt:</p>\n<ol>\n<li value=\"0\">Der Anbieteranteil jedes Objekts gilt als "
		"bekannt.\n<li>Ein entwendeter Schlüssel öffnet jeden Anteil, der je für ihn "
		"verschlüsselt wurde, in jeder Kopie, die der Angreifer haben konnte.\n<li>Ein im "
		"Zeitfenster herausgegebener Anteil gilt als bekannt, wenn sich jeder Faktor der "
		"Anfrage mit dem Entwendeten fälschen ließ.\n<li>Ein Anteil, der an ein "
		"entwendetes Gerät ging oder bei dessen Herausgabe der Angreifer mitlesen konnte, "
		"gilt als bekannt.\n<li>Entwendete Schlüssel, Geräte, Administratorzugänge und "
		"Prozesse verschaffen dem Angreifer alles, was sie vermochten: die PIN des HSM "
		"oder der Prozess, der Schlüssel hält, zum Beispiel alle Schlüssel des "
		"Dienstes.\n<li>Mit beiden Anteilen und einer Kopie ist das Objekt möglicherweise "
		"lesbar.\n</ol>\n<p>Ein Objekt ohne solche Herleitung heißt nur dann nicht lesbar, "
		"wenn die Nachweise vollständig sind: Das Protokoll deckt das Zeitfenster ohne "
		"Lücke ab, jeder Datensatz ist da, und Objekt und Schlüssel sind belegt. Sonst ist "
		"es ungeklärt. Fehlende Nachweise führen also nie zu einem guten Ergebnis. "
		"Maßgeblich ist der Text der Regeln in spec/exposure.md; eine zweite Umsetzung und "
		"durchgerechnete Beispiele begleiten ihn.</p>\n</section>\n"));
}

/* ---- assumptions ---- */

static void
put_not_copied(struct report *r, const struct incident_folder *folder)
{
	bool begins = folder->since > 0, ends = folder->until != DK_EXPOSURE_NEVER;
	struct report_word since = when(r, folder->since),
			   until = when(r, ends ? folder->until : 0);
	struct report_shown path = shown_string(folder->path);

	if (begins && ends)
		say(r, "<li>Nothing below <bdi>{0}</bdi> could be copied from {1} until {2}.\n",
		    "<li>Unterhalb von <bdi>{0}</bdi> konnte von {1} bis {2} nichts kopiert "
		    "werden.\n",
		    path.s, since.s, until.s, NULL);
	else if (begins)
		say(r, "<li>Nothing below <bdi>{0}</bdi> could be copied from {1} on.\n",
		    "<li>Unterhalb von <bdi>{0}</bdi> konnte ab {1} nichts kopiert werden.\n",
		    path.s, since.s, NULL);
	else if (ends)
		say(r, "<li>Nothing below <bdi>{0}</bdi> could be copied until {1}.\n",
		    "<li>Unterhalb von <bdi>{0}</bdi> konnte bis {1} nichts kopiert werden.\n",
		    path.s, until.s, NULL);
	else
		say(r, "<li>Nothing below <bdi>{0}</bdi> could be copied.\n",
		    "<li>Unterhalb von <bdi>{0}</bdi> konnte nichts kopiert werden.\n", path.s,
		    NULL);
}

static void
put_not_shown(struct report *r, unsigned not_shown)
{
	if (not_shown & INCIDENT_CERTIFICATES)
		put(r,
		    pick(r, "<li>The thief could show no client certificate.\n",
			"<li>Ein Client-Zertifikat konnte der Angreifer nicht vorweisen.\n"));
	if (not_shown & INCIDENT_TOKENS)
		put(r,
		    pick(r, "<li>The thief could show no token of an issuer.\n",
			"<li>Ein Token eines Ausstellers konnte der Angreifer nicht "
			"vorweisen.\n"));
	if (not_shown & INCIDENT_APPROVALS)
		put(r,
		    pick(r, "<li>Nobody approved what the thief asked for.\n",
			"<li>Niemand hat genehmigt, was der Angreifer verlangte.\n"));
}

static void
put_vouched(struct report *r)
{
	const struct incident *incident = r->assess->incident;

	put(r,
	    incident->as_written ? pick(r,
				       "<li>Somebody vouches that the sets of keys in the "
				       "catalogue are what their writers made.\n",
				       "<li>Jemand bürgt dafür, dass die Schlüsselsätze im Katalog "
				       "so sind, wie ihre Verfasser sie geschrieben haben.\n")
				 : pick(r,
				       "<li>Nobody vouches for the sets of keys in the catalogue; "
				       "so no object could be called not readable.\n",
				       "<li>Für die Schlüsselsätze im Katalog bürgt niemand; kein "
				       "Objekt konnte deshalb als nicht lesbar gelten.\n"));
	if (incident->own_count > 0)
		say(r,
		    "<li>Customer keys that somebody vouches for, besides those that the log has: "
		    "{0}.\n",
		    "<li>Kundenschlüssel, für die jemand bürgt, außer denen im Protokoll: {0}.\n",
		    number(r, incident->own_count).s, NULL);
	for (size_t i = 0; i < incident->not_copied_count; i++)
		put_not_copied(r, &incident->not_copied[i]);
	if (incident_rests_on_age(incident))
		put(r,
		    pick(r, "<li>Objects are not older than they say.\n",
			"<li>Objekte sind nicht älter, als sie angeben.\n"));
	put(r,
	    incident->not_copied_count == 0
		? pick(r, "<li>Everything could be copied.\n", "<li>Alles konnte kopiert werden.\n")
		: pick(r, "<li>All else could be copied.\n",
		      "<li>Alles Übrige konnte kopiert werden.\n"));
	put_not_shown(r, incident->not_shown);
	say(r, "<li>Up to {0} seconds without an entry are no gap in the log.\n",
	    "<li>Bis zu {0} Sekunden ohne Eintrag gelten nicht als Lücke.\n",
	    number(r, incident->silence).s, NULL);
}

/* Those that were perhaps in force in the window, by whether there is a text. */
static uint64_t
count_policies(const struct report *r, bool text)
{
	const struct assess_policy *policy = r->assess->policy.at;
	uint64_t count = 0;

	for (size_t i = 0; i < r->assess->policy.count; i++)
		count += policy[i].in_force && (policy[i].text != NULL) == text;
	return count;
}

/* What the comparison without the log takes from them. */
static void
put_policies(struct report *r)
{
	uint64_t here = count_policies(r, true), missing = count_policies(r, false);

	if (here == 0)
		put(r,
		    pick(r,
			"<li>No text of a policy was at hand; so it gets no credit there either.\n",
			"<li>Der Text einer Richtlinie lag nicht vor; auch sie zählt dabei "
			"nicht.\n"));
	else
		say(r,
		    "<li>What no policy of the window would have allowed does not count there. "
		    "Policies whose text was at hand: {0}.\n",
		    "<li>Was keine Richtlinie im Zeitfenster erlaubt hätte, zählt dabei nicht. "
		    "Richtlinien, deren Text vorlag: {0}.\n",
		    number(r, here).s, NULL);
	if (here > 0 && missing > 0)
		say(r, "<li>Policies whose text is missing, and that get no credit: {0}.\n",
		    "<li>Richtlinien, deren Text fehlt und die nicht zählen: {0}.\n",
		    number(r, missing).s, NULL);
}

static void
put_assumptions(struct report *r)
{
	const struct incident *incident = r->assess->incident;

	put(r,
	    pick(r,
		"<section id=\"assumptions\"><h2>Assumptions</h2>\n<h3>By the word of the incident "
		"file</h3>\n<p>This was stolen, and nothing else:</p>\n<ol>\n",
		"<section id=\"assumptions\"><h2>Annahmen</h2>\n<h3>Laut "
		"Vorfalldatei</h3>\n<p>Dies wurde entwendet, und nichts sonst:</p>\n<ol>\n"));
	for (size_t i = 0; i < incident->item_count; i++) {
		put(r, "<li>");
		put_item(r, &incident->item[i]);
		put(r, "\n");
	}
	put(r,
	    pick(r, "</ol>\n<ul>\n<li>The thief could act online within the window only.\n",
		"</ol>\n<ul>\n<li>Online handeln konnte der Angreifer nur im Zeitfenster.\n"));
	put_vouched(r);
	put(r,
	    pick(r,
		"</ul>\n<h3>By the rules</h3>\n<ul>\n<li>The cryptography holds.\n<li>There is no "
		"complete log of the provider’s side, so its shares count as known.\n<li>Old "
		"copies stay useful for ever; destroying a key gets no credit, since a copy of it "
		"can be older.\n<li>For the comparison without the log, revocation and freeze get "
		"no "
		"credit.\n",
		"</ul>\n<h3>Nach den Regeln</h3>\n<ul>\n<li>Die eingesetzte Kryptographie ist "
		"ungebrochen.\n<li>Ein "
		"vollständiges Protokoll der Anbieterseite liegt nicht vor; deren Anteile gelten "
		"deshalb als bekannt.\n<li>Alte Kopien bleiben für immer brauchbar; das Vernichten "
		"eines Schlüssels zählt nicht, weil eine Kopie älter sein kann.\n<li>Beim "
		"Vergleich ohne Protokoll zählen Widerruf und Sperre nicht.\n"));
	put_policies(r);
	put(r,
	    r->assess->time.count > 0
		? pick(r,
		      "<li>Witnesses bound the times of log entries. Minutes shown here are those "
		      "of the service’s clock.\n",
		      "<li>Zeugen grenzen die Zeiten der Protokolleinträge ein. Hier gezeigte "
		      "Minuten sind die der Uhr des Dienstes.\n")
		: pick(r,
		      "<li>Times of log entries are those of the service’s clock, which was "
		      "right.\n",
		      "<li>Die Zeiten der Protokolleinträge sind die der Uhr des Dienstes, die "
		      "richtig ging.\n"));
	if (r->documents)
		put(r,
		    pick(r,
			"<li>A session, a network or an approval that stood keeps no forged token "
			"out; what a person confirmed does. Nobody else at that person’s address "
			"asked for it before he did.\n",
			"<li>Eine Sitzung, ein Netz oder eine frühere Genehmigung hält kein "
			"gefälschtes Token ab, eine Bestätigung der Person schon. Niemand sonst an "
			"deren Adresse hat das Bestätigte vor ihr angefordert.\n"));
	put(r, "</ul>\n</section>\n");
}

/* ---- limits ---- */

struct scans {
	struct report *report;
	uint64_t count;
};

static int
on_scan(void *ctx, const struct dk_catalogue_scan *scan)
{
	struct scans *scans = ctx;
	struct report *r = scans->report;

	if (scans->count++ >= SCANS_SHOWN)
		return 0;
	say(r, "<li>Folder <bdi>{0}</bdi>, {1}, {2}", "<li>Ordner <bdi>{0}</bdi>, {1}, {2}",
	    shown((const char *)scan->root, scan->root_len).s, when(r, scan->started).s,
	    scan->ended > 0 ? pick(r, "complete", "vollständig")
			    : pick(r, "stopped before its end", "vorzeitig beendet"),
	    NULL);
	if (scan->missed > 0)
		say(r, "; {0} places could not be read", "; {0} Stellen waren nicht lesbar",
		    number(r, scan->missed).s, NULL);
	put(r, "\n");
	return 0;
}

dk_err
report_limits(struct report *r)
{
	struct scans scans = { .report = r };
	dk_err err;

	put_assumptions(r);
	put(r,
	    pick(r,
		"<section id=\"limits\"><h2>Limits</h2>\n<ul>\n<li>“Possibly readable” does not "
		"say that the thief did read it.\n<li>What was decrypted lies in clear where it "
		"was decrypted. Copies of plaintext are not covered.\n<li>What neither catalogue "
		"nor log has is not covered. The answer is about these scans:\n<ul>\n",
		"<section id=\"limits\"><h2>Grenzen</h2>\n<ul>\n<li>„Möglicherweise lesbar“ sagt "
		"nicht, dass der Angreifer gelesen hat.\n<li>Was entschlüsselt wurde, liegt dort, "
		"wo es entschlüsselt wurde, im Klartext vor. Kopien davon sind nicht "
		"erfasst.\n<li>Was weder Katalog noch Protokoll enthalten, ist nicht erfasst. Das "
		"Ergebnis beruht auf diesen Erfassungen:\n<ul>\n"));
	err = dk_catalogue_scans(r->assess->catalogue, on_scan, &scans);
	if (scans.count > SCANS_SHOWN)
		say(r, "<li>and {0} more\n", "<li>und {0} weitere\n",
		    number(r, scans.count - SCANS_SHOWN).s, NULL);
	put(r, "</ul>\n");
	if (r->documents)
		put(r,
		    pick(r,
			"<li>A document of Microsoft’s protocol is known by the SHA-256 of its "
			"wrapped key. One that was never unwrapped here is not covered, nor is "
			"what a client reads under a licence of before.\n",
			"<li>Ein Dokument aus Microsofts Protokoll ist am SHA-256 seines "
			"verpackten Schlüssels kenntlich. Eines, das hier nie ausgepackt wurde, "
			"ist nicht erfasst, ebenso was ein Client mit einer früheren Lizenz "
			"liest.\n"));
	put(r, "</ul>\n</section>\n");
	return err;
}

/* ---- how to recompute ---- */

static void
put_digest(struct report *r, const char *name, const uint8_t digest[32])
{
	char hex[65];

	dk_hex(digest, 32, hex);
	form(r, "<dt>{0}<dd><code>{1}</code>\n", name, hex, NULL);
}

static void
put_policy_digests(struct report *r)
{
	const struct assess_policy *policy = r->assess->policy.at;
	size_t shown = 0;

	for (size_t i = 0; i < r->assess->policy.count && shown < POLICIES_SHOWN; i++) {
		if (!policy[i].in_force || !policy[i].text)
			continue;
		put_digest(r, pick(r, "Policy, SHA-256", "Richtlinie, SHA-256"), policy[i].digest);
		shown++;
	}
	if (count_policies(r, true) > shown)
		form(r, "<dt>{0}<dd>{1}\n", pick(r, "Policies", "Richtlinien"),
		    number(r, count_policies(r, true)).s, NULL);
}

void
report_recompute(struct report *r, const struct assess_inputs *inputs)
{
	put(r,
	    pick(r,
		"<section id=\"recompute\"><h2>How to recompute</h2>\n<p>Whoever has the inputs "
		"gets the same result, byte for byte. First compare the inputs with these "
		"values:</p>\n<dl class=\"inputs\">\n",
		"<section id=\"recompute\"><h2>Nachrechnen</h2>\n<p>Wer die Eingaben hat, erhält "
		"dasselbe Ergebnis, Byte für Byte. Zuerst sind die Eingaben mit diesen Werten zu "
		"vergleichen:</p>\n<dl class=\"inputs\">\n"));
	put_digest(r, pick(r, "Incident file, SHA-256", "Vorfalldatei, SHA-256"), inputs->incident);
	put_digest(r, pick(r, "Catalogue, SHA-256", "Katalog, SHA-256"), inputs->catalogue.sha256);
	put_digest(r, pick(r, "Records, SHA-256", "Datensätze, SHA-256"), inputs->records.sha256);
	form(r, "<dt>{0}<dd><bdi>{1}</bdi>\n", pick(r, "Log, origin", "Protokoll, Ursprung"),
	    shown_string(inputs->origin).s, NULL);
	put_digest(r, pick(r, "Log, root hash", "Protokoll, Wurzelhash"), inputs->log.root);
	form(r, "<dt>{0}<dd>{1}\n<dt>{2}<dd>{3}\n<dt>{4}<dd>{5}\n<dt>{6}<dd>{7}\n",
	    pick(r, "Log, entries", "Protokoll, Einträge"), number(r, inputs->log.size).s,
	    pick(r, "Records", "Datensätze"), number(r, inputs->record_count).s,
	    pick(r, "Version of the rules", "Fassung der Regeln"),
	    number(r, ASSESS_RULES_VERSION).s, pick(r, "Program", "Programm"),
	    "doublekey " DK_VERSION, NULL);
	put_policy_digests(r);
	form(r, "<dt>{0}<dd>{1}\n</dl>\n", pick(r, "Times of entries", "Zeiten der Einträge"),
	    inputs->witnessed ? pick(r, "bounded by witnesses", "durch Zeugen eingegrenzt")
			      : pick(r, "of the service’s clock", "von der Uhr des Dienstes"),
	    NULL);
	put(r,
	    pick(r,
		"<p>Then, with files and the log’s public key in place of the words in "
		"capitals:</p>\n",
		"<p>Danach, mit Dateien und dem öffentlichen Schlüssel des Protokolls anstelle der "
		"Wörter in Großbuchstaben:</p>\n"));
	form(r,
	    "<pre><code>sha256sum INCIDENT CATALOGUE RECORDS\n"
	    "doublekey log verify --key KEY{1} --records RECORDS LOG\n"
	    "doublekey incident check INCIDENT\n"
	    "doublekey assess --incident INCIDENT --catalogue CATALOGUE \\\n"
	    "    --log LOG --records RECORDS --key KEY{1}{2} --lang {0} \\\n"
	    "    --html REPORT.html</code></pre>\n",
	    pick(r, "en", "de"), inputs->witnessed ? " --policy POLICY" : "",
	    count_policies(r, true) > 0 ? " --service-policy FOLDER" : "", NULL);
	put(r,
	    pick(r,
		"<p><code>--json RESULT</code> gives all objects for a program, <code>--explain "
		"OBJECT</code> the argument for one.</p>\n</section>\n",
		"<p><code>--json RESULT</code> liefert alle Objekte für ein Programm, "
		"<code>--explain OBJECT</code> die Begründung für eines.</p>\n</section>\n"));
}
