/* SPDX-License-Identifier: Apache-2.0
 *
 * Canonical documents to B2MML V0701 messages, valid by MESA's schemas.
 *
 * Energy has no message in B2MML: electricity is a consumed material in KWH, the highest 15-minute mean
 * is SegmentData PeakDemand in KWT, cost is SegmentData EnergyCost in the currency. Numbers are exact:
 * Wh, W and micro are shifted as integers. The text depends on the document alone, so that every
 * attempt to deliver it has the same bytes; CreationDateTime is the time the document is about.
 */
#ifndef B2MML_XML_OUT_H
#define B2MML_XML_OUT_H

#include <fems/plugin.h>
#include "connectors/b2mml/buf.h"
#include "connectors/b2mml/sched.h"

struct xml_out_options {
	const char *sender;          /* LogicalID */
	const char *energy_material; /* MaterialDefinitionID of electricity */
};

/* SyncOperationsPerformance of an operations-performance; key becomes the BODID. FEMS_EINVAL: the
 * document lacks a member or has a wrong one, the text names it. */
enum fems_rc xml_out_performance(const struct xml_out_options *, const char *key, struct fems_span body,
				 struct buf *out, struct fems_error *);
/* ProcessOperationsSchedule of an operations-schedule-proposal, ScheduleState Forecast: nothing in it is
 * released until the ERP says so. */
enum fems_rc xml_out_proposal(const struct xml_out_options *, const char *key, struct fems_span body,
			      struct buf *out, struct fems_error *);
/* ConfirmBOD for a message; fault NULL: accepted. created: now, as RFC 3339. */
void xml_out_confirm(const struct xml_out_options *, const struct sched_message *, const char *created,
		     const char *fault, struct buf *out);

#endif
