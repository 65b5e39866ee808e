/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The worker: talks with the subOS about its devices and sets their back ends up. It has
 * no privilege, only descriptors that the keeper gave it. One for each kernel that boots;
 * when it is killed the keeper starts another, which goes on with the same queues.
 */
#ifndef BACKEND_WORKER_H
#define BACKEND_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/rainforest_virtio.h>

#include "ctrlq.h"
#include "ipc.h"
#include "vuser.h"
#include "window.h"

#define WUSER_QUEUES	2	/* of a file system */
#define WORKER_ENDED	3	/* exit status: the channel was closed */

/**
 * struct worker_fds - what the worker begins with
 * @keeper: struct ipc both ways
 * @channel: to the subOS's service
 * @window: its memory
 * @vhost: /dev/rfvhost, bound
 * @bytes: length of @window
 */
struct worker_fds {
	int keeper;
	int channel;
	int window;
	int vhost;
	uint64_t bytes;
};

struct wdev;

/**
 * struct worker - all of it
 * @fds: see there
 * @window: mapping of the subOS's memory
 * @memory: access to it
 * @epoll: what is waited for
 * @said_hello: the subOS has
 * @devices: by number, NULL where there is none
 */
struct worker {
	struct worker_fds fds;
	struct window window;
	struct ctrlq_memory memory;
	int epoll;
	bool said_hello;
	struct wdev *devices[RF_VIRTIO_DEVICES];
};

/**
 * struct wops - a kind of device. All return 0 or a negative errno
 * @describe: fills @announce: id, queues, features, configuration
 * @start: @ready and the eventfds are there; serve the queues
 * @stop: serve them no more; when it returns the subOS's memory is not touched
 * @event: @watch was signalled
 * @renew: @fd is a new connection to the back end, -1: there is none any more
 * @free: close what is its own
 */
struct wops {
	int (*describe)(struct wdev *d);
	int (*start)(struct wdev *d, bool resumed);
	void (*stop)(struct wdev *d);
	void (*event)(struct wdev *d, int fd);
	int (*renew)(struct wdev *d, int fd);
	void (*free)(struct wdev *d);
};

/**
 * struct wnet - a network card
 * @tap: descriptor for each pair of queues
 * @vhost: of vhost-net, for each pair
 * @error: eventfd, signalled when vhost-net finds nonsense in a queue
 * @pairs: their number
 * @control: number of the control queue, 0: not in use
 * @ctrlq: it
 * @up: its tap is there
 */
struct wnet {
	int tap[SPEC_QUEUES_MAX];
	int vhost[SPEC_QUEUES_MAX];
	int error;
	unsigned int pairs;
	unsigned int control;
	struct ctrlq ctrlq;
	bool up;
};

/**
 * struct wuser - a device whose back end speaks vhost-user
 * @v: connection
 * @begun: file for what was begun; disks, else -1
 * @fresh: what is noted in @begun is of another driver
 * @resume: the back end serves the queues of a worker that was killed, and is to stop
 * @lost: there is no back end any more: requests are refused
 * @refused: queues in which they are
 */
struct wuser {
	struct vuser v;
	int begun;
	bool fresh;
	bool resume;
	bool lost;
	struct ctrlq refused[WUSER_QUEUES];
};

/**
 * struct wdev - a device
 * @worker: whose
 * @number: its
 * @ops: of its kind
 * @spec: what it is
 * @announce: what the subOS is told
 * @ready: what its driver said, checked
 * @started: its queues are served
 * @leaving: the keeper wants it to go
 * @kick: eventfds of its queues, -1 where there is none
 * @call: eventfds of its queues
 * @net: a network card
 * @user: others
 */
struct wdev {
	struct worker *worker;
	unsigned int number;
	const struct wops *ops;
	struct spec spec;
	struct rf_virtio_device announce;
	struct rf_virtio_ready ready;
	bool started;
	bool leaving;
	int kick[RF_VIRTIO_QUEUES];
	int call[RF_VIRTIO_QUEUES];
	union {
		struct wnet net;
		struct wuser user;
	};
};

/* worker.c: runs until the channel is closed; returns an exit status */
int worker_run(const struct worker_fds *fds);
/* Has wops @event called when the descriptor is readable. */
int worker_watch(struct wdev *d, int fd);
void worker_unwatch(struct wdev *d, int fd);
void worker_tell_state(struct wdev *d, enum ipc_state state);
/* (out) *idx: entries that the queue's device side has filled. Return: 0, -EFAULT. */
int worker_used_idx(struct wdev *d, unsigned int queue, uint16_t *idx);
/* What is said of it cannot be: its queues are served no more until it is set up again. */
void worker_give_up(struct wdev *d);
/* New contents of the configuration, which is in @announce. */
void worker_tell_config(struct wdev *d);

/* worker_devices.c: what the keeper and the subOS want of devices */
void worker_from_keeper(struct worker *w, const struct ipc *m, const int *fds);
void worker_from_subos(struct worker *w, const void *message, size_t bytes);
int worker_send(struct worker *w, const void *message, size_t bytes);
void worker_announce_all(struct worker *w);

/* worker_net.c, worker_user.c */
extern const struct wops worker_net_ops, worker_user_ops;
int worker_net_init(struct wdev *d, const int *fds, unsigned int count);
int worker_user_init(struct wdev *d, const struct ipc *m, const int *fds);

#endif /* BACKEND_WORKER_H */
