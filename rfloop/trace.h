/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints of rfloop.ko.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM rfloop

#if !defined(_RFLOOP_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _RFLOOP_TRACE_H

#include <linux/tracepoint.h>

DECLARE_EVENT_CLASS(rfloop_ring,
	TP_PROTO(u32 peer, bool out),
	TP_ARGS(peer, out),
	TP_STRUCT__entry(
		__field(u32, peer)
		__field(bool, out)
	),
	TP_fast_assign(
		__entry->peer = peer;
		__entry->out = out;
	),
	TP_printk("peer=%u way=%s", __entry->peer, __entry->out ? "out" : "in")
);

DEFINE_EVENT(rfloop_ring, rfloop_up,
	TP_PROTO(u32 peer, bool out),
	TP_ARGS(peer, out)
);

DEFINE_EVENT(rfloop_ring, rfloop_down,
	TP_PROTO(u32 peer, bool out),
	TP_ARGS(peer, out)
);

DEFINE_EVENT(rfloop_ring, rfloop_broken,
	TP_PROTO(u32 peer, bool out),
	TP_ARGS(peer, out)
);

TRACE_EVENT(rfloop_drop,
	TP_PROTO(u32 peer, unsigned int why),
	TP_ARGS(peer, why),
	TP_STRUCT__entry(
		__field(u32, peer)
		__field(unsigned int, why)
	),
	TP_fast_assign(
		__entry->peer = peer;
		__entry->why = why;
	),
	TP_printk("peer=%u why=%u", __entry->peer, __entry->why)
);

#endif /* _RFLOOP_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
