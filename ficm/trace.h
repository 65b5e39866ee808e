/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints of ficm.ko.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM ficm

#if !defined(_FICM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _FICM_TRACE_H

#include <linux/tracepoint.h>

DECLARE_EVENT_CLASS(ficm_msg,
	TP_PROTO(u32 peer, u16 type, u32 tag),
	TP_ARGS(peer, type, tag),
	TP_STRUCT__entry(
		__field(u32, peer)
		__field(u16, type)
		__field(u32, tag)
	),
	TP_fast_assign(
		__entry->peer = peer;
		__entry->type = type;
		__entry->tag = tag;
	),
	TP_printk("peer=%u type=%u tag=%u", __entry->peer, __entry->type, __entry->tag)
);

DEFINE_EVENT(ficm_msg, ficm_send,
	TP_PROTO(u32 peer, u16 type, u32 tag),
	TP_ARGS(peer, type, tag)
);

DEFINE_EVENT(ficm_msg, ficm_recv,
	TP_PROTO(u32 peer, u16 type, u32 tag),
	TP_ARGS(peer, type, tag)
);

DEFINE_EVENT(ficm_msg, ficm_full,
	TP_PROTO(u32 peer, u16 type, u32 tag),
	TP_ARGS(peer, type, tag)
);

TRACE_EVENT(ficm_refused,
	TP_PROTO(u32 peer, u32 apicid, u32 vector),
	TP_ARGS(peer, apicid, vector),
	TP_STRUCT__entry(
		__field(u32, peer)
		__field(u32, apicid)
		__field(u32, vector)
	),
	TP_fast_assign(
		__entry->peer = peer;
		__entry->apicid = apicid;
		__entry->vector = vector;
	),
	TP_printk("peer=%u apicid=%u vector=%u", __entry->peer, __entry->apicid, __entry->vector)
);

TRACE_EVENT(ficm_doorbell,
	TP_PROTO(u32 apicid, u8 vector),
	TP_ARGS(apicid, vector),
	TP_STRUCT__entry(
		__field(u32, apicid)
		__field(u8, vector)
	),
	TP_fast_assign(
		__entry->apicid = apicid;
		__entry->vector = vector;
	),
	TP_printk("apicid=%u vector=%u", __entry->apicid, __entry->vector)
);

TRACE_EVENT(ficm_broken,
	TP_PROTO(u32 peer, int fault),
	TP_ARGS(peer, fault),
	TP_STRUCT__entry(
		__field(u32, peer)
		__field(int, fault)
	),
	TP_fast_assign(
		__entry->peer = peer;
		__entry->fault = fault;
	),
	TP_printk("peer=%u fault=%d", __entry->peer, __entry->fault)
);

#endif /* _FICM_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
