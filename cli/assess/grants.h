/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The what-if of an assessment: what texts of policies could have given to a thief's device.
 *
 * Spec: spec/exposure.md section 5.1
 */
#ifndef DK_CLI_ASSESS_GRANTS_H
#define DK_CLI_ASSESS_GRANTS_H

#include "cli/assess/assess.h"
#include "exposure/grant.h"
#include "cli/console/options.h"

/* All of it borrows from what it is made of. */
struct assess_grants {
	const struct assess *assess;
	const struct dk_exposure *exposure;
	struct dk_grant_asked
	    asked;             /* what the thief can show; the rest is put in for each question */
	struct array approver; /* const char *: users of devices that he had */
	void *answers;         /* of tsearch(): what was asked before */
};

/* Of files, and folders in which a text has its digest as name, those that were perhaps in force in
 * the window. Behind assess_feed(). False: told already. */
bool assess_policies_read(
    struct assess *a, const struct dk_exposure *x, const struct option_list *places);
void assess_policies_clear(struct assess *a);

/* Errors: DK_ERR_NOMEM; grants needs assess_grants_clear() in both cases. */
DK_MUST_USE dk_err assess_grants_begin(
    struct assess_grants *grants, const struct assess *a, const struct dk_exposure *x);
/* Whether no policy could have given a customer share of the object. */
DK_MUST_USE dk_err assess_withheld(struct assess_grants *grants,
    const struct dk_exposure_object *object, const char *label, bool *ret);
void assess_grants_clear(struct assess_grants *grants);

#endif
