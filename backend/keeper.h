/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The keeper: one process for each subOS that has virtio devices. It keeps the list of
 * them, opens what needs privilege, and starts what serves them: the worker, and a process
 * for each file system and disk. Ends with the subOS.
 */
#ifndef BACKEND_KEEPER_H
#define BACKEND_KEEPER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/rainforest.h>
#include <linux/rainforest_virtio.h>

#include "ipc.h"

#define KEEPER_PATH	200
#define KEEPER_CLIENTS	8

/**
 * struct kdev - a device
 * @used: there is one
 * @number: its number for the subOS
 * @name: its name for people: net0, fs1, disk0
 * @spec: what it is
 * @state: enum ipc_state
 * @tap: network card: its queues, -1 where there is none
 * @helper: process that serves a file system or disk, 0: none
 * @sock: connection to it, -1: none
 * @errors: what it writes to its standard error, -1: none
 * @restarts: times it was started again in @window_ms
 * @window_ms: when that count began
 * @image: the file of a disk, locked, -1: none
 * @begun: file for what a disk has begun, -1: none
 * @served: @helper has served queues
 * @waits: descriptor of a client that waits for its removal, -1: none
 * @until_ms: until when
 */
struct kdev {
	bool used;
	unsigned int number;
	char name[16];
	struct spec spec;
	enum ipc_state state;
	int tap[SPEC_QUEUES_MAX];
	pid_t helper;
	int sock;
	int errors;
	unsigned int restarts;
	uint64_t window_ms;
	int begun;
	int image;
	bool served;
	int waits;
	uint64_t until_ms;
};

/**
 * struct keeper - all of it
 * @name: of the subOS
 * @run: directory with its files
 * @id: of the subOS
 * @subos: its descriptor
 * @window: its memory
 * @vhost: /dev/rfvhost, bound; -1 when it is not there yet
 * @bytes: length of @window
 * @listen: control socket
 * @signals: signalfd
 * @clients: descriptors of clients, -1: none
 * @boots: a kernel of the subOS boots or runs
 * @started_ns: when it was started
 * @worker: process, 0: none
 * @ipc: to the worker
 * @retry_ms: when to try to start one
 * @tries: without success
 * @cgroup: its directory, empty: none
 * @ending: a signal asked for it
 * @devices: by number
 */
struct keeper {
	const char *name;
	char run[KEEPER_PATH];
	unsigned int id;
	int subos;
	int window;
	int vhost;
	uint64_t bytes;
	int listen;
	int signals;
	int clients[KEEPER_CLIENTS];
	bool boots;
	uint64_t started_ns;
	pid_t worker;
	int ipc;
	uint64_t retry_ms;
	unsigned int tries;
	char cgroup[KEEPER_PATH];
	bool ending;
	struct kdev devices[RF_VIRTIO_DEVICES];
};

/* All return 0 or a negative errno; @err gets one line. */

/* keeper.c */
int keeper_open(struct keeper *k, const char *name, const char *run, char err[SPEC_ERR_MAX]);
void keeper_run(struct keeper *k);
uint64_t keeper_now_ms(void);

/* keeper_worker.c: the process without privileges */
void keeper_worker_try(struct keeper *k);
void keeper_worker_ended(struct keeper *k);
void keeper_worker_heard(struct keeper *k);
void keeper_worker_end(struct keeper *k);
/* Another kernel boots: nothing of what the last one had is kept. */
void keeper_fresh(struct keeper *k);

/* keeper_device.c */
int keeper_add(struct keeper *k, enum spec_kind kind, const char *text, char err[SPEC_ERR_MAX]);
/* One that a keeper had that was killed. */
int keeper_take_up(struct keeper *k, unsigned int number, const char *name,
		   const struct spec *s, char err[SPEC_ERR_MAX]);
struct kdev *keeper_find(struct keeper *k, const char *name);
/* Return: 0, or -EINPROGRESS: the subOS was asked to let go of it. */
int keeper_remove(struct keeper *k, struct kdev *d);
void keeper_forget(struct keeper *k, struct kdev *d);
void keeper_look_at_taps(struct keeper *k);
void keeper_helper_ended(struct keeper *k, struct kdev *d);
void keeper_close_device(struct keeper *k, struct kdev *d);
/* A new worker is told of all devices. */
void keeper_serve_all(struct keeper *k);

/* keeper_net.c */
int keeper_open_taps(struct keeper *k, struct kdev *d, char err[SPEC_ERR_MAX]);
/* @fds: as many as the card has pairs of queues */
int keeper_open_vhost(const struct kdev *d, int *fds);

/* keeper_helper.c */
int keeper_start_helper(struct keeper *k, struct kdev *d, char err[SPEC_ERR_MAX]);
void keeper_end_helper(struct kdev *d);

/* keeper_list.c: what outlives a keeper that is killed */
int keeper_save(const struct keeper *k);
void keeper_load(struct keeper *k);
/* The lock is held until it is closed; no other keeper changes its list meanwhile. */
int keeper_lock_macs(const struct keeper *k);
/* Fills in an address that none has, or says who has the one that is wanted. */
int keeper_choose_mac(const struct keeper *k, struct kdev *d, char err[SPEC_ERR_MAX]);

/* keeper_cgroup.c */
void keeper_cgroup_enter(struct keeper *k);
void keeper_cgroup_end(struct keeper *k);

/* keeper_control.c */
int keeper_listen(struct keeper *k);
void keeper_accept(struct keeper *k);
void keeper_serve(struct keeper *k, int *client);
void keeper_answer(int client, int err, const char *text);

#endif /* BACKEND_KEEPER_H */
