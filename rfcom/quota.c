// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests of other kernels that are being answered: a few of each, so that one does not
 * keep the others waiting.
 */
#include "internal.h"

/**
 * rfcom_quota_begin() - a request has come
 * @q: of this kind
 * @peer: kernel that asks
 *
 * Context: any but interrupts.
 * Return: false when too many of that kernel are being answered.
 */
bool rfcom_quota_begin(struct rfcom_quota *q, u32 peer)
{
	unsigned int i, place = RFCOM_PEERS;
	bool good = false;

	spin_lock(&q->lock);
	for (i = 0; i < RFCOM_PEERS; i++) {
		if (q->of[i].count && q->of[i].peer == peer)
			break;
		if (!q->of[i].count)
			place = i;
	}
	if (i == RFCOM_PEERS)
		i = place;
	if (i < RFCOM_PEERS && q->of[i].count < q->max) {
		q->of[i].peer = peer;
		q->of[i].count++;
		good = true;
	}
	spin_unlock(&q->lock);
	return good;
}

/**
 * rfcom_quota_end() - it is answered
 * @q: of this kind
 * @peer: kernel that asked
 *
 * Context: any but interrupts.
 */
void rfcom_quota_end(struct rfcom_quota *q, u32 peer)
{
	unsigned int i;

	spin_lock(&q->lock);
	for (i = 0; i < RFCOM_PEERS; i++)
		if (q->of[i].count && q->of[i].peer == peer)
			q->of[i].count--;
	spin_unlock(&q->lock);
}
