// SPDX-License-Identifier: GPL-2.0-only
/* rfm show: all that is known of one subOS. */
#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <linux/rainforest_wire.h>

#include "dev.h"
#include "devices.h"
#include "fmt.h"
#include "policy.h"
#include "settings.h"

static const struct rfm_option options[] = { RFM_OPTION_JSON, { 0 } };

static void line(const char *key, const char *value)
{
	if (*value)
		printf("%-14s %s\n", key, value);
}

static void print_boot(const struct rf_info *info)
{
	struct settings s;

	if (settings_load(&s, info->name, info->id))
		return;
	line("image", s.kernel ? s.kernel : "");
	line("initrd", s.initrd ? s.initrd : "");
	line("append", s.append ? s.append : "");
	settings_free(&s);
}

static void print_policy(const struct rf_info *info)
{
	char size[24], text[120];

	printf("%-14s %s%s\n", "on crash", policy_word(info->on_crash),
	       info->flags & RF_INFO_RESTARTS ? ", about to be restarted" : "");
	if (info->restarts)
		printf("%-14s %u\n", "restarts", info->restarts);
	if (info->kept_bytes)
		printf("%-14s %llu MB in the supervisor, to restart from\n", "kept",
		       (unsigned long long)(info->kept_bytes >> 20));
	if (info->max_cpus || info->max_bytes) {
		snprintf(text, sizeof(text), "up to %u CPUs, %s of memory", info->max_cpus,
			 units_size(info->max_bytes, size, sizeof(size)));
		line("may ask for", text);
	}
	if (info->asks)
		printf("%-14s %llu times, %llu refused\n", "asked",
		       (unsigned long long)info->asks, (unsigned long long)info->asks_refused);
}

static void print_stages(const struct rf_info *info)
{
	unsigned int i;

	for (i = 0; i < RF_STAGE_MAX; i++)
		if (info->stage_ns[i])
			printf("%-14s %.3f ms\n", fmt_stage(i), info->stage_ns[i] / 1e6);
}

static void print_people(const struct rf_info *info)
{
	uint64_t up = fmt_uptime(info);
	char buf[4096];

	line("name", info->name);
	printf("%-14s %u\n", "id", info->id);
	printf("%-14s %u\n", "vsock CID", info->id + RF_VSOCK_CID);
	line("state", fmt_state(info->state));
	line("reason", info->reason);
	if (info->flags & RF_INFO_BARE)
		line("bare", "runs without our module: it can reset the machine");
	if (info->flags & RF_INFO_NO_KPROBE)
		line("restart", "an emergency restart inside is not caught: it resets the machine");
	if (info->state == RF_STATE_RUNNING && !(info->flags & RF_INFO_LISTENS))
		line("resize", "nothing inside listens: it keeps what it has");
	line("cpus", units_cpus((const struct cpus *)info->cpumask, buf, sizeof(buf)));
	printf("%-14s %u of %u\n", "on line", info->nr_online, info->nr_cpus);
	line("memory", units_size(info->mem_bytes, buf, sizeof(buf)));
	line("of it hot", info->hot_bytes ? units_size(info->hot_bytes, buf, sizeof(buf)) : "");
	printf("%-14s %d\n", "priority", info->priority);
	print_policy(info);
	line("kernel", info->kernel);
	line("boot id", info->boot_id);
	line("uptime", up ? units_duration(up, buf, sizeof(buf)) : "");
	printf("%-14s %llu\n", "heartbeats", (unsigned long long)info->heartbeats);
	print_boot(info);
	print_stages(info);
}

static void print_devices(const struct rf_info *info)
{
	struct device_line lines[RF_VIRTIO_DEVICES];
	static char answer[CLIENT_TEXT_MAX];
	unsigned int i, nr = devices_list(info->name, answer, lines);

	for (i = 0; i < nr; i++)
		printf("%-14s %s (%s)\n", lines[i].name, lines[i].text, lines[i].state);
}

static void add_devices(struct json_object *json, const struct rf_info *info)
{
	struct json_object *array = json_object_new_array(), *o;
	struct device_line lines[RF_VIRTIO_DEVICES];
	static char answer[CLIENT_TEXT_MAX];
	unsigned int i, nr = devices_list(info->name, answer, lines);

	for (i = 0; i < nr; i++) {
		o = json_object_new_object();
		fmt_put_text(o, "device", lines[i].name);
		fmt_put_text(o, "kind", lines[i].kind);
		fmt_put_text(o, "state", lines[i].state);
		fmt_put_text(o, "what", lines[i].text);
		json_object_array_add(array, o);
	}
	json_object_object_add(json, "devices", array);
}

static bool owned(const struct rf_resource *r, const struct rf_info *info)
{
	return r->owner == info->id && r->kind != RF_RES_CPU;
}

static void describe(const struct rf_resource *r, char *buf, size_t size)
{
	char length[24];

	if (r->kind == RF_RES_PCI)
		units_bdf(r->start, buf, size);
	else
		snprintf(buf, size, "%#llx-%#llx %s", (unsigned long long)r->start,
			 (unsigned long long)(r->start + r->length - 1),
			 units_size(r->length, length, sizeof(length)));
}

static void print_resources(const struct rf_info *info, const struct rf_resource *res,
			    unsigned int nr)
{
	char buf[80];
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (owned(&res[i], info)) {
			describe(&res[i], buf, sizeof(buf));
			line(fmt_kind(res[i].kind), buf);
		}
}

static void add_text(struct json_object *json, const char *key, const char *text)
{
	json_object_object_add(json, key, text ? json_object_new_string(text) : NULL);
}

static void add_settings(struct json_object *json, const struct rf_info *info)
{
	struct settings s;

	if (settings_load(&s, info->name, info->id))
		return;
	add_text(json, "image", s.kernel);
	add_text(json, "initrd", s.initrd);
	add_text(json, "append", s.append);
	settings_free(&s);
}

static void print_json(const struct rf_info *info, const struct rf_resource *res, unsigned int nr)
{
	struct json_object *json = fmt_json(), *subos = fmt_info(info);
	struct json_object *array = json_object_new_array(), *o;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (!owned(&res[i], info))
			continue;
		o = json_object_new_object();
		json_object_object_add(o, "kind", json_object_new_string(fmt_kind(res[i].kind)));
		json_object_object_add(o, "start", json_object_new_uint64(res[i].start));
		json_object_object_add(o, "length", json_object_new_uint64(res[i].length));
		json_object_array_add(array, o);
	}
	json_object_object_add(subos, "resources", array);
	json_object_object_add(subos, "vsock_cid",
			       json_object_new_uint64((uint64_t)info->id + RF_VSOCK_CID));
	add_devices(subos, info);
	add_settings(subos, info);
	json_object_object_add(json, "subos", subos);
	fmt_json_print(json);
}

static int show(int dev, const char *name)
{
	struct rf_resource *res;
	struct rf_info info;
	unsigned int nr;
	int fd, ret;

	fd = dev_open_subos(dev, name);
	ret = fd < 0 ? fd : dev_info(fd, &info);
	if (fd >= 0)
		close(fd);
	if (ret == -ENOENT)
		return rfm_fail(RFM_NOT_FOUND,
				"there is no subOS of this name; rfm list shows those that live");
	if (!ret)
		ret = dev_resources(dev, &res, &nr);
	if (ret)
		return rfm_fail_errno(ret, NULL, "cannot ask for it");
	if (rfm.json) {
		print_json(&info, res, nr);
	} else {
		print_people(&info);
		print_resources(&info, res, nr);
		print_devices(&info);
	}
	free(res);
	return RFM_OK;
}

static int run(const struct rfm_command *cmd, int argc, char **argv)
{
	const char *name;
	int dev, ret;

	if (rfm_getopt(cmd, argc, argv))
		return RFM_USAGE;
	name = rfm_name_operand(argc, argv);
	if (!name)
		return RFM_USAGE;
	dev = dev_connect();
	if (dev < 0)
		return -dev;
	ret = show(dev, name);
	close(dev);
	return ret;
}

const struct rfm_command cmd_show = {
	.verb = "show", .args = "NAME", .summary = "Show all that is known of a subOS",
	.options = options, .run = run,
};
